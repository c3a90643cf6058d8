"""`python -m webui speak` when it cannot: one sentence, an exit code, and nothing half-written."""

import errno
import os
import shutil
import signal
import sys

import numpy as np
import pytest

from tests.command_line import (
    PATIENCE_SECONDS,
    TINY,
    WITH_INTERRUPTS,
    CommandLine,
    one_sentence,
    pipe_without_reader,
    refusal,
    refusal_as_json,
    standard_input,
    started,
)
from tests.fake_service import FakeService
from webui.audio import read_audio
from webui.cli import main

TEXT = "hello there."


@pytest.fixture
def webui(tiny_family, tmp_path):
    return CommandLine(tiny_family.parent, tmp_path / "speakers")


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def scripted(monkeypatch):
    """The command line over a service that computes nothing."""
    service = FakeService()
    service.chunks = 1
    monkeypatch.setattr("webui.backend.service.Service", lambda settings: service)
    return service


# ---- What is refused before anything is computed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Type something to speak first"),
        (" \n\t", "Type something to speak first"),
        ("\x00\x07\x1b\x7f", "There is no text to speak"),
        ("\u202e\u200b\ufeff", "There is no text to speak"),
        ("?!... --", "no letters or digits"),
        ("a" * 5_000_000, "5,000,000 characters; at most 100,000"),
        ("\udcff\udcfe", "There is no text to speak"),
    ],
    ids=["empty", "blank", "controls", "invisible", "marks", "5 MB", "no text"],
)
def test_a_text_that_cannot_be_spoken_is_refused(text, message, webui, out, capsys):
    assert message in refusal(capsys, webui.speak(text, "-o", out / "a.wav"))
    assert list(out.iterdir()) == []


def test_control_characters_within_a_text_are_not_spoken(webui, out):
    for name, text in (("a", "hello there."), ("b", "hel\x00lo\x1b\u202e \x07there.\r\n\udcff")):
        assert webui.speak(text, "-o", out / f"{name}.wav", "--seed", "1") == 0
    assert np.array_equal(read_audio(out / "a.wav")[0], read_audio(out / "b.wav")[0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x" * 5_000_000, "longer than 1,000,000 bytes"),
        (b"\xff\xfeH\x00i\x00", "not a text file in UTF-8"),
        (b"", "Type something"),
    ],
    ids=["5 MB", "UTF-16", "empty"],
)
def test_a_file_or_an_input_that_is_no_text_is_refused(data, message, webui, monkeypatch, capsys):
    folder = webui.speakers_dir.parent
    (folder / "text").write_bytes(data)
    code = webui.speak("--file", folder / "text", "-o", folder / "a.wav")
    assert message in refusal(capsys, code)
    monkeypatch.setattr(sys, "stdin", standard_input(data))
    assert message in refusal(capsys, webui.speak("-", "-o", folder / "a.wav"))
    assert not (folder / "a.wav").exists()


def test_a_text_file_that_cannot_be_read_is_named(webui, out, tmp_path, capsys):
    code = webui.speak("--file", tmp_path / "none.txt", "-o", out / "a.wav")
    assert "none.txt" in refusal(capsys, code)
    code = webui.speak("--file", tmp_path, "-o", out / "a.wav")
    assert "cannot be read (Is a directory)" in refusal(capsys, code)
    code = webui.speak(TEXT, "--file", tmp_path, "-o", out / "a.wav")
    assert "not both" in refusal(capsys, code)


@pytest.mark.parametrize(
    ("flags", "message", "code"),
    [
        (["--semantic-temperature", "nan"], "The text temperature is nan", 1),
        (["--coarse-top-p", "7"], "The coarse top-p is 7.0", 1),
        (["--fine-top-k", "-1"], "The fine top-k is -1", 1),
        (["--max-seconds", "1e999"], "The longest chunk is inf", 1),
        (["--seed", "-1"], "The seed is -1", 1),
        (["--seed", "9" * 30], "The seed is 9999", 1),
        (["--seed", "9" * 5_000], "is not a whole number", 2),
        (["--seed", "1.5"], "'1.5' is not a whole number", 2),
        (["--min-eos-p", "likely"], "'likely' is not a number", 2),
        (["--format", "ogg"], "invalid choice: 'ogg'", 2),
        (["--family", "../mini"], "--family is '../mini': it must be a family's name", 1),
        (["--family", "nosuch"], 'The model family "nosuch" is not here', 1),
        (["--device", "cuda:x"], "--device is 'cuda:x'", 1),
        (["--precision", "fp64"], "--precision is 'fp64'", 1),
        (["--engine", "rocket"], "--engine is 'rocket'", 1),
        (["--threads", "many"], "--threads is 'many'", 1),
        (["--hf-endpoint", "ftp"], "--hf-endpoint is 'ftp'", 1),
        (["--loud"], "Unrecognized arguments: --loud", 2),
        (["--gree"], "Unrecognized arguments: --gree", 2),
        (["--port", "1"], "Unrecognized arguments: --port 1", 2),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_a_flag_with_an_unusable_value_is_refused(flags, message, code, webui, capsys):
    target = webui.speakers_dir.parent / "a.wav"
    given = main(["speak", TEXT, "-o", str(target), *webui.folders, *flags])
    assert message in refusal(capsys, given, code)
    assert not target.exists()


def test_json_is_told_of_every_refusal_too(webui, out, capsys):
    words = ["speak", TEXT, "-o", str(out / "a.wav"), "--json", *webui.folders]
    for flags, kind in (
        (["--family", "nosuch"], "FamilyNotFoundError"),
        (["--family", "tiny", "--voice", "nobody"], "VoiceNotFoundError"),
        (["--seed", "-1", "--family", "tiny"], "SettingsError"),
        (["--seed", "one"], "MisuseError"),
    ):
        assert refusal_as_json(capsys, main([*words, *flags]))[1] == kind


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("a.ogg", '"a.ogg" does not end in .wav, .flac or .mp3'),
        ("a", '"a" does not end in'),
        ("none/a.wav", 'none" is not there'),
        ("folder.wav", 'folder.wav" is a folder'),
        ("pipe.wav", "is not a plain file"),
        (f"{'n' * 300}.wav", "name too long"),
    ],
    ids=["ending", "no ending", "no folder", "folder", "pipe", "long"],
)
def test_a_target_that_cannot_be_written_is_refused(target, message, scripted, out, capsys):
    (out / "folder.wav").mkdir()
    os.mkfifo(out / "pipe.wav")
    code = main(["speak", TEXT, "-o", str(out / target)])
    assert message.lower() in refusal(capsys, code).lower()
    assert scripted.orders == []
    assert sorted(path.name for path in out.iterdir()) == ["folder.wav", "pipe.wav"]


def test_a_device_is_never_replaced_by_a_file(scripted, capsys):
    code = main(["speak", TEXT, "-o", "/dev/null", "--format", "wav"])
    assert "is not a plain file" in refusal(capsys, code)


def test_a_closed_folder_is_refused_before_anything_is_computed(scripted, out, monkeypatch, capsys):
    out.chmod(0o555)
    if os.geteuid() == 0:  # whom no permission stops
        monkeypatch.setattr(os, "access", lambda path, mode: path != out)
    code = main(["speak", TEXT, "-o", str(out / "a.wav")])
    assert "cannot be written. Change its permissions" in refusal(capsys, code)
    code = main(["speak", TEXT, "-o", "a.wav", "--save-voice", str(out / "v.npz")])
    assert "cannot be written. Change its permissions" in refusal(capsys, code)
    assert scripted.orders == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("v.npy", 'A voice file ends in .npz; "v.npy" does not.'),
        ("taken.npz", 'The name "taken.npz" is taken'),
        ("dangling.npz", 'The name "dangling.npz" is taken'),
        ("../out/sound.npz", 'The name "sound.npz" is taken'),
        ("none/v.npz", "is not there"),
    ],
)
def test_a_voice_file_that_cannot_be_made_is_refused(name, message, scripted, out, capsys):
    (out / "taken.npz").write_bytes(b"somebody's")
    (out / "dangling.npz").symlink_to(out / "nowhere")
    sound = os.path.normpath(out / name) if "sound" in name else out / "a.wav"
    code = main(
        ["speak", TEXT, "-o", str(sound), "--format", "wav", "--save-voice", str(out / name)]
    )
    assert message in refusal(capsys, code)
    assert scripted.orders == []
    assert (out / "taken.npz").read_bytes() == b"somebody's"


def test_a_sound_and_json_do_not_both_go_to_standard_output(scripted, capsys):
    code = main(["speak", TEXT, "--out", "-", "--json"])
    assert "both need standard output" in refusal_as_json(capsys, code)[0]


# ---- What fails later leaves nothing behind


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "empty", "config", "vocabulary"])
def test_a_damaged_checkpoint_is_refused(damage, tiny_family, tmp_path, out, capsys):
    family = shutil.copytree(tiny_family, tmp_path / "models" / "tiny")
    weights = family / "model.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1_000])
    elif damage == "config":
        (family / "config.json").write_text("{")
    elif damage == "vocabulary":
        (family / "vocab.txt").unlink()
    else:
        weights.write_bytes(b"" if damage == "empty" else b"version https://git-lfs" * 10)
    webui = CommandLine(tmp_path / "models", tmp_path / "speakers")
    message = refusal(capsys, webui.speak(TEXT, "-o", out / "a.wav"))
    assert "model.safetensors" in message or "tiny" in message.lower()
    assert list(out.iterdir()) == []


def test_without_space_on_the_disk_nothing_is_left(scripted, out, monkeypatch, capsys):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code = main(["speak", TEXT, "-o", str(out / "a.wav")])
    assert '"a.wav" cannot be written: there is no room' in refusal(capsys, code)
    assert list(out.iterdir()) == []


def test_a_sound_that_cannot_be_written_takes_its_voice_with_it(webui, out, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = out / "v.npz"
    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    words = (TEXT, "-o", out / "a.wav", "--save-voice", kept)
    assert "there is no room" in refusal(capsys, webui.speak(*words))
    assert list(out.iterdir()) == []


def test_a_voice_that_cannot_be_written_leaves_no_sound(webui, out, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.hardlink_to", full)
    words = (TEXT, "-o", out / "a.wav", "--save-voice", out / "v.npz")
    assert 'Not enough disk: "v.npz"' in refusal(capsys, webui.speak(*words))
    assert list(out.iterdir()) == []


def test_a_job_that_fails_tells_why_and_leaves_nothing(scripted, out, capsys):
    scripted.failure, scripted.failure_kind = "The memory is full.", "DeviceMemoryError"
    words = ["speak", TEXT, "-o", str(out / "a.wav")]
    assert refusal(capsys, main(words)) == "The memory is full."
    assert refusal_as_json(capsys, main([*words, "--json"]))[1] == "DeviceMemoryError"
    assert list(out.iterdir()) == []
    assert scripted.closed


def test_a_file_that_was_there_stays_as_it_was_when_the_job_fails(scripted, out, capsys):
    (out / "a.wav").write_bytes(b"before")
    scripted.failure = "It died."
    refusal(capsys, main(["speak", TEXT, "-o", str(out / "a.wav")]))
    assert (out / "a.wav").read_bytes() == b"before"
    scripted.failure = None
    assert main(["speak", TEXT, "-o", str(out / "a.wav")]) == 0
    assert (out / "a.wav").read_bytes()[:4] == b"RIFF"


def test_a_speech_that_was_stopped_ends_with_130_and_writes_nothing(scripted, out, capsys):
    scripted.cancel_at = 0
    words = ["speak", TEXT, "-o", str(out / "a.wav")]
    assert refusal(capsys, main(words), 130) == "Stopped."
    assert list(out.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_speech_ends_with_130_and_writes_nothing(webui, out):
    program = f"{WITH_INTERRUPTS} from webui.cli import main; import sys; sys.exit(main())"
    words = ["speak", "hello there. " * 500, "-o", str(out / "a.wav"), "--save-voice"]
    words += [str(out / "v.npz"), *TINY, *webui.folders]
    with started([sys.executable, "-c", program, *words]) as process:
        seen = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert seen.startswith(b"Part 1 of ")
    lines = err.decode().splitlines()
    assert lines[-1] == "Stopped."
    assert all(line.startswith("Part ") for line in lines[:-1])
    assert (process.returncode, rest) == (130, b"")
    assert list(out.iterdir()) == []


@pytest.mark.slow
def test_a_sound_in_a_pipe_that_is_full_or_gone_ends_in_peace(webui):
    words = (TEXT, *TINY, "--out", "-")
    full = os.open("/dev/full", os.O_WRONLY)
    with webui.process("speak", *words, stdout=full) as process:
        os.close(full)
        err = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
    assert process.returncode == 1
    assert "No space left on device" in one_sentence(err)
    writer = pipe_without_reader()
    with webui.process("speak", *words, stdout=writer) as process:
        os.close(writer)
        err = process.communicate(timeout=PATIENCE_SECONDS)[1].decode()
    assert (process.returncode, err) == (1, "")
