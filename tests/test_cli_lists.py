"""`python -m webui voices` and `models`: what is here, what can be had, and bringing it."""

import json
import os
import shutil
from itertools import islice

import numpy as np
import pytest

from tests.command_line import (
    PATIENCE_SECONDS,
    CommandLine,
    one_sentence,
    pipe_without_reader,
    refusal,
    refusal_as_json,
)
from tests.fake_service import FakeService
from tests.hostile_speakers import hostile_files
from tests.tiny_family import random_speaker
from webui.cli import main


@pytest.fixture
def webui(tiny_family, tmp_path):
    return CommandLine(tiny_family.parent, tmp_path / "speakers")


@pytest.fixture
def own_voices(webui):
    """The user's own folder, with a voice of `tiny` and one of a family that is not here."""
    webui.speakers_dir.mkdir()
    for name, family, language in (("Zoe", "tiny", "de"), ("Max", "elsewhere", "en")):
        facts = {"name": name, "family": family, "language": language}
        metadata = np.array(json.dumps(facts))
        path = webui.speakers_dir / f"{name.lower()}.npz"
        np.savez(path, **random_speaker(50, 5), metadata=metadata)
    return webui.speakers_dir


@pytest.fixture
def scripted(monkeypatch):
    service = FakeService()
    monkeypatch.setattr("webui.backend.service.Service", lambda settings: service)
    return service


def rows(capsys) -> list[list[str]]:
    """The table on stdout, a row a list of words; nothing came on stderr."""
    out, err = capsys.readouterr()
    assert err == ""
    return [line.split() for line in out.splitlines()]


def listed(capsys, webui, *words) -> dict[str, dict]:
    """The JSON on stdout, by name."""
    assert webui("voices", "--json", *words) == 0
    return {each["name"]: each for each in json.loads(capsys.readouterr().out)}


# ---- voices


def test_the_voices_of_a_family_are_listed_own_ones_first(webui, own_voices, capsys):
    assert webui("voices", "--family", "tiny") == 0
    head, *voices = rows(capsys)
    assert head == ["ID", "NAME", "FAMILY", "LANGUAGE", "FROM", "SECONDS", "REMARK"]
    assert [voice[1:6] for voice in voices] == [
        ["Zoe", "tiny", "de", "own", "2.0"],
        ["Ada", "tiny", "en", "builtin", "2.0"],
        ["Bob", "tiny", "en", "builtin", "2.4"],
    ]


def test_json_tells_everything_about_a_voice(webui, own_voices, capsys):
    voices = listed(capsys, webui, "--family", "tiny")
    assert list(voices) == ["Zoe", "Ada", "Bob"]
    assert voices["Ada"] == {
        "id": "ada-b3802f61", "name": "Ada", "family": "tiny", "language": "en",
        "source": "builtin", "tags": [], "seconds": 2.0, "broken": None, "repairable": False,
        "method": "", "created": "", "notes": "", "favourite": False,
    }  # fmt: skip


def test_all_lists_the_voices_of_all_families_whatever_is_chosen(
    webui, own_voices, monkeypatch, capsys
):
    monkeypatch.setenv("WEBUI_FAMILY", "tiny")
    assert "Max" not in listed(capsys, webui)
    everybody = listed(capsys, webui, "--all")
    assert {"Zoe", "Max", "Ada", "Bob"} <= set(everybody)
    assert everybody["Max"]["notes"] == 'Its family "elsewhere" is not installed.'


def test_without_a_family_all_voices_are_listed(webui, own_voices, capsys):
    assert {"Zoe", "Max", "Ada", "Bob"} <= set(listed(capsys, webui))


def test_a_language_leaves_its_voices_only(webui, own_voices, capsys):
    assert list(listed(capsys, webui, "--family", "tiny", "--language", "de")) == ["Zoe"]
    assert list(listed(capsys, webui, "--family", "tiny", "--language", "DE")) == ["Zoe"]


def test_an_empty_list_is_told_to_a_person_and_is_an_empty_list_to_a_program(webui, capsys):
    words = ("voices", "--family", "tiny", "--language", "xx")
    assert webui(*words) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ID  NAME")
    assert one_sentence(err) == "No voice matches."
    assert webui(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_unknown_family_is_refused(webui, capsys):
    code = webui("voices", "--family", "nosuch")
    assert refusal(capsys, code).startswith('There is no model family "nosuch"')
    code = webui("voices", "--family", "nosuch", "--json")
    assert refusal_as_json(capsys, code)[1] == "FamilyNotFoundError"


def test_hostile_speaker_files_are_listed_with_what_is_wrong_and_run_nothing(
    webui, tmp_path, capsys
):
    marker = tmp_path / "was_run"
    webui.speakers_dir.mkdir()
    for number, (_, data) in enumerate(islice(hostile_files(str(marker)), 60, 120, 2)):
        (webui.speakers_dir / f"h{number}.npz").write_bytes(data)
    os.mkfifo(webui.speakers_dir / "pipe.npz")
    (webui.speakers_dir / "\x1b[2J\u202egnp.npz").write_bytes(b"no voice")
    assert webui("voices") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "is not a plain file" in out
    assert webui("voices", "--json") == 0
    assert len(out.splitlines()) == 1 + len(json.loads(capsys.readouterr().out))
    assert not marker.exists()


def test_a_folder_of_voices_that_is_a_file_holds_none(webui, tmp_path, capsys):
    (tmp_path / "speakers").write_text("a file")
    assert list(listed(capsys, webui, "--family", "tiny")) == ["Ada", "Bob"]


def test_a_folder_that_the_system_refuses_is_told_in_a_sentence(webui, monkeypatch, capsys):
    def closed(folders):
        raise PermissionError(13, "Permission denied", str(folders.roots[0]))

    monkeypatch.setattr("webui.backend.family_folders.FamilyFolders.all", closed)
    message = refusal(capsys, webui("voices"))
    assert message == f'"{webui.models_dir}" cannot be used: Permission denied.'


def test_a_reader_who_has_seen_enough_ends_the_list_in_peace(webui):
    writer = pipe_without_reader()
    with webui.process("voices", stdout=writer) as process:
        os.close(writer)
        err = process.communicate(timeout=PATIENCE_SECONDS)[1]
    assert (process.returncode, err) == (1, b"")


def test_a_list_that_finds_no_space_is_told_in_a_sentence(webui):
    full = os.open("/dev/full", os.O_WRONLY)
    with webui.process("voices", stdout=full) as process:
        os.close(full)
        err = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
    assert process.returncode == 1
    assert "standard output (No space left on device)" in one_sentence(err)


# ---- models


def test_the_families_are_listed_with_their_state_size_and_licence(webui, capsys):
    assert webui("models") == 0
    head, *families = rows(capsys)
    assert head == ["ID", "STATE", "SIZE", "LICENCE", "LANGUAGES", "REMARK"]
    found = {family[0]: family for family in families}
    assert {"tiny", "bark-small", "bark"} <= set(found)
    assert found["tiny"][1] == "installed"
    assert found["tiny"][4:] == ["MIT", "en", "the", "built-in", "demonstration"]
    assert found["bark"][1:5] == ["available", "4.5", "GB", "MIT"]


def test_json_tells_everything_about_a_family(webui, capsys):
    assert webui("models", "--json") == 0
    families = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    tiny, bark = families["tiny"], families["bark-small"]
    assert (tiny["state"], tiny["is_demo"], tiny["sample_rate"]) == ("installed", True, 16_000)
    assert tiny["size_bytes"] > 10_000
    assert (bark["state"], bark["sample_rate"], len(bark["languages"])) == ("available", 0, 13)


def test_a_damaged_family_is_listed_with_what_is_wrong(tiny_family, tmp_path, capsys):
    shutil.copytree(tiny_family, tmp_path / "models" / "tiny")
    (tmp_path / "models" / "tiny" / "config.json").write_text("{")
    webui = CommandLine(tmp_path / "models", tmp_path / "speakers")
    assert webui("models") == 0
    (tiny,) = [row for row in rows(capsys) if row[0] == "tiny"]
    assert tiny[1] == "damaged"
    assert "config.json" in tiny


def test_a_family_that_is_here_is_not_brought_again(webui, capsys):
    assert webui("models", "--download", "tiny") == 0
    out, err = capsys.readouterr()
    assert one_sentence(err) == "Tiny is here already."
    assert "installed" in out


def test_an_unknown_family_is_not_brought(webui, capsys):
    message = refusal(capsys, webui("models", "--download", "../mini\x1b[31m"))
    assert 'no model family "../mini[31m"' in message


def test_a_family_is_brought_with_its_size_and_licence_told_first(scripted, capsys):
    assert main(["models", "--download", "bark-small"]) == 0
    out, err = capsys.readouterr()
    assert one_sentence(err) == "Bark small: 1.7 GB, licence MIT"
    assert [line.split()[1] for line in out.splitlines()[1:]] == ["installed", "installed"]
    assert scripted.closed


@pytest.mark.parametrize("as_json", [False, True])
def test_a_download_that_fails_is_told(as_json, scripted, capsys):
    scripted.failure = "The connection was lost. Start it again: it goes on where it was."
    code = main(["models", "--download", "bark-small", *(["--json"] if as_json else [])])
    out, err = capsys.readouterr()
    assert code == 1
    assert err.splitlines()[1:] == [scripted.failure]
    told = {"error": scripted.failure, "kind": "DownloadError"}
    assert (json.loads(out) if as_json else out) == (told if as_json else "")


def test_a_stopped_download_ends_with_130(scripted, monkeypatch, capsys):
    def stopped_at_once(family, cancel):
        cancel.cancel()
        return FakeService.download(scripted, family, cancel)

    monkeypatch.setattr(scripted, "download", stopped_at_once)
    assert main(["models", "--download", "bark-small", "--json"]) == 130
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": "Stopped.", "kind": "Stopped"}
    assert err.splitlines()[1:] == ["Stopped."]


def test_offline_no_family_is_brought(tmp_path, capsys):
    webui = CommandLine(tmp_path / "models", tmp_path / "speakers")
    code = webui("models", "--download", "bark-small", "--offline")
    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert "set to work offline" in err.splitlines()[1]
    assert not (tmp_path / "models").exists()


# ---- parts of cloning


def test_the_parts_of_cloning_are_listed_for_a_family(webui, capsys):
    assert webui("models", "--cloning", "--family", "tiny") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "KIND", "STATE", "SIZE", "LICENCE", "LANGUAGE", "REMARK"]
    assert lines[0].split(maxsplit=3)[:3] == ["quantizer", "method", "missing"]
    assert lines[0].endswith("Tiny has no quantizer.")
    assert webui("models", "--cloning", "--family", "tiny", "--json") == 0
    parts = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    assert parts["builtin"]["state"] == "ready"
    assert parts["knn-vc"]["licence"] == "MIT"


def test_a_part_is_downloaded_with_what_it_needs_and_all_licences_are_told(webui, capsys):
    assert webui("models", "--download", "quantizer-de-v1-14", "--offline") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "HuBERT base, the encoder of method 2: 378 MB, licence Apache-2.0"
    assert lines[1] == "German quantizer, version 1, 14 epochs: 244 MB, licence not stated"
    assert "work offline" in lines[2]


def test_a_part_that_is_here_is_not_downloaded_again(webui, capsys):
    for part, file in (
        ("hubert-base", "pytorch_model.bin"),
        ("quantizer-es-v1", "es_tokenizer.pth"),
    ):
        folder = webui.models_dir / "cloning" / part
        folder.mkdir(parents=True)
        (folder / file).write_bytes(b"x")
        (folder / "config.json").write_bytes(b"{}")
    try:
        assert webui("models", "--download", "quantizer-es-v1", "--offline") == 0
        assert one_sentence(capsys.readouterr().err) == (
            "Spanish quantizer, version 1 is here already."
        )
    finally:
        shutil.rmtree(webui.models_dir / "cloning")
