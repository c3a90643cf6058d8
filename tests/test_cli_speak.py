"""`python -m webui speak`: a text from anywhere, to a sound file or a pipe, in a voice."""

import json
import os
import shutil
import sys
import zipfile
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import soundfile

from tests.command_line import (
    CommandLine,
    refusal,
    standard_input,
)
from tests.fake_service import RATE, FakeService, sine
from tests.hostile_speakers import hostile_files
from tests.tiny_family import make_tiny_family, random_speaker
from webui import cli_speak
from webui.arrays import Speaker
from webui.audio import read_audio, read_metadata
from webui.backend.speech_recipe import SpeechRecipe
from webui.cli import build_parser, main
from webui.cli_speak import judged
from webui.cli_speak_flags import chosen_controls
from webui.errors import SpeakerFileError
from webui.events import Speech, SpokenChunk
from webui.family import read_family
from webui.settings import Settings
from webui.speaker_file import limits_of, read_speaker

TEXT = "hello there."
RECIPE = SpeechRecipe("part 0 part 1", "tiny")


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


@pytest.fixture
def own_voice(webui):
    """Put a file of voices into `speakers/`."""

    def put(file_name, data=None, **metadata):
        webui.speakers_dir.mkdir(exist_ok=True)
        path = webui.speakers_dir / file_name
        if data is None:
            facts = json.dumps({"family": "tiny", **metadata})
            np.savez(path, **random_speaker(50, 5), metadata=np.array(facts))
        else:
            path.write_bytes(data)
        return path

    return put


# ---- What is spoken, and where it goes


def test_a_text_becomes_a_sound_file_that_knows_how_it_was_made(webui, out, capsys):
    assert webui.speak(TEXT, "--out", out / "a.wav", "--seed", "3", "--voice", "Ada") == 0
    waveform, rate = read_audio(out / "a.wav")
    assert rate == 16_000
    assert len(waveform) > 1_000
    facts = read_metadata(out / "a.wav")
    assert (facts["text"], facts["family"], facts["seed"]) == (TEXT, "tiny", 3)
    assert facts["voice"].startswith("ada-")
    assert facts["controls"]["seed"] == 3
    printed, told = capsys.readouterr()
    assert printed == ""
    assert told.endswith(f"by tiny, seed 3: {out / 'a.wav'}\n")


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_the_ending_chooses_the_format_unless_one_is_named(ending, scripted, out):
    kinds = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3"}
    assert main(["speak", TEXT, "--out", str(out / f"A.{ending.upper()}")]) == 0
    assert soundfile.info(out / f"A.{ending.upper()}").format == kinds[ending]
    assert main(["speak", TEXT, "--out", str(out / "a"), "--format", ending]) == 0
    assert soundfile.info(out / "a").format == kinds[ending]


def test_the_same_seed_gives_the_same_file_and_another_seed_another_one(webui, out):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert webui.speak(TEXT, "--out", out / f"{name}.wav", "--seed", seed) == 0
    a, b, c = ((out / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_seed_that_nobody_gave_is_told_and_kept(scripted, out, capsys):
    assert main(["speak", TEXT, "--out", str(out / "a.wav"), "--json"]) == 0
    seed = json.loads(capsys.readouterr().out)["seed"]
    assert scripted.orders[0].controls.seed is None
    facts = read_metadata(out / "a.wav")
    assert facts["seed"] == facts["controls"]["seed"] == seed


def test_greedy_takes_the_likeliest_token_whatever_the_seed_is(webui, out):
    words = (TEXT, "--greedy")
    for seed in (1, 2):
        assert webui.speak(*words, "--out", out / f"{seed}.wav", "--seed", seed) == 0
    first, second = (read_audio(out / f"{seed}.wav")[0] for seed in (1, 2))
    assert np.array_equal(first, second)
    assert read_metadata(out / "1.wav")["controls"]["greedy"] is True


def test_every_control_is_a_flag():
    flags = {
        "min_eos_p": 0.3, "max_seconds": 4.0, "pause_seconds": 0.5, "seed": 9, "greedy": True,
        "condition_on_previous": True, "verify": True, "verify_tries": 2, "guard_drift": True,
        "semantic": {"temperature": 0.6, "top_k": 50, "top_p": 0.9},
        "coarse": {"temperature": 0.5, "top_k": 40, "top_p": 0.8},
        "fine": {"temperature": 0.4, "top_k": 30, "top_p": 0.7},
    }  # fmt: skip
    words = ["speak", TEXT, "--out", "a.wav"]
    for name, value in flags.items():
        inner = value if isinstance(value, dict) else {"": value}
        for knob, each in inner.items():
            flag = f"--{name}-{knob}".rstrip("-").replace("_", "-")
            words += [flag] if each is True else [flag, str(each)]
    assert chosen_controls(build_parser().parse_args(words)) == flags
    assert chosen_controls(build_parser().parse_args(words[:4])) == {}


def test_the_flags_reach_the_service_and_the_rest_stays_as_the_family_recommends(scripted, out):
    words = ["--coarse-temperature", "0.3", "--min-eos-p", "0.5", "--voice", "bob-22222222"]
    assert main(["speak", TEXT, "--out", str(out / "a.wav"), *words]) == 0
    (order,) = scripted.orders
    recommended = scripted.recommended_controls()
    assert (order.text, order.voice) == (TEXT, "bob-22222222")
    assert order.controls.coarse.temperature == 0.3
    assert order.controls.min_eos_p == 0.5
    assert order.controls.semantic == recommended.semantic
    assert order.controls.pause_seconds == recommended.pause_seconds
    assert scripted.closed


def test_a_flag_that_was_not_given_leaves_what_the_family_recommends(tiny_family, tmp_path, out):
    webui = CommandLine(tmp_path / "models", tmp_path / "speakers")
    family = shutil.copytree(tiny_family, tmp_path / "models" / "tiny")
    facts = json.loads((family / "webui_family.json").read_text())
    facts["controls"] = {"pause_seconds": 1.5, "coarse": {"top_k": 5}}
    (family / "webui_family.json").write_text(json.dumps(facts))
    assert webui.speak(TEXT, "--out", out / "a.wav", "--coarse-temperature", "0.2") == 0
    controls = read_metadata(out / "a.wav")["controls"]
    assert controls["pause_seconds"] == 1.5
    assert controls["coarse"] == {"temperature": 0.2, "top_k": 5, "top_p": 1.0}


def test_json_tells_what_was_made(webui, out, capsys):
    text = "hello there.\n\ngood bye."
    assert webui.speak(text, "--out", out / "a.wav", "--seed", "3", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    waveform, rate = read_audio(out / "a.wav")
    assert told["seconds"] == pytest.approx(len(waveform) / rate, abs=0.001)
    assert (told["out"], told["sample_rate"], told["saved_voice"]) == (
        str(out / "a.wav"),
        rate,
        None,
    )
    assert " ".join(chunk["text"] for chunk in told["chunks"]) == "hello there. good bye."
    assert told["chunks"][-1]["end_seconds"] <= told["seconds"] + 0.001
    facts = read_metadata(out / "a.wav")
    assert {name: told[name] for name in facts} == facts
    assert facts["text"] == text


def test_json_tells_what_was_heard_in_each_part_and_nothing_where_nobody_listened():
    parts = speech_of(50, 50).chunks
    heard = replace(parts[0], words_right=0.8333, similarity=0.91, tries=2)
    assert judged(heard) == {"words_right": 0.833, "similarity": 0.91, "tries": 2}
    assert judged(replace(heard, similarity=None)) == {"words_right": 0.833, "tries": 2}
    assert judged(parts[1]) == {}


def test_notes_about_the_text_are_told_on_both_sides(webui, out, capsys):
    assert webui.speak("hello 世界 there", "--out", out / "a.wav", "--json") == 0
    printed, told = capsys.readouterr()
    (note,) = json.loads(printed)["notes"]
    assert "世界" in note
    assert f"Note: {note}" in told


# ---- Where the text comes from


def test_the_text_comes_from_a_file_with_or_without_a_byte_order_mark(scripted, out, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe.\n")
    assert main(["speak", "--file", str(tmp_path / "a.txt"), "-o", str(out / "a.wav")]) == 0
    assert scripted.orders[0].text == "Grüße.\n"


@pytest.mark.parametrize("words", [["-"], []], ids=["dash", "piped"])
def test_the_text_comes_from_standard_input(words, scripted, out, monkeypatch):
    monkeypatch.setattr(sys, "stdin", standard_input(b"Good morning.\n"))
    assert main(["speak", *words, "-o", str(out / "a.wav")]) == 0
    assert scripted.orders[0].text == "Good morning.\n"


def test_without_a_text_the_terminal_is_told_how_to_give_one(scripted, out, monkeypatch, capsys):
    terminal = standard_input(b"")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    for stdin in (terminal, None):
        monkeypatch.setattr(sys, "stdin", stdin)
        code = main(["speak", "-o", str(out / "a.wav")])
        assert "Say what to speak" in refusal(capsys, code)


def test_the_sound_goes_to_standard_output(webui, out, capsysbinary):
    words = (TEXT, "--seed", "3", "--voice", "Ada")
    assert webui.speak(*words, "--out", out / "a.wav") == 0
    capsysbinary.readouterr()
    assert webui.speak(*words, "--out", "-") == 0
    printed, told = capsysbinary.readouterr()
    assert printed == (out / "a.wav").read_bytes()
    assert told.endswith(b"seed 3: -\n")
    assert webui.speak(*words, "--out", "-", "--format", "flac") == 0
    assert capsysbinary.readouterr().out[:4] == b"fLaC"


def test_a_terminal_is_not_filled_with_a_sound(scripted, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "> or |" in refusal(capsys, main(["speak", TEXT, "--out", "-"]))
    assert scripted.orders == []


# ---- Voices


@pytest.mark.parametrize("wanted", ["Ada", "ADA", "ada", "ada-11111111"])
def test_a_voice_is_found_by_its_id_and_by_its_name_in_any_case(wanted, scripted, out):
    assert main(["speak", TEXT, "-o", str(out / "a.wav"), "--voice", wanted]) == 0
    assert scripted.orders[0].voice == "ada-11111111"
    assert read_metadata(out / "a.wav")["voice"] == "ada-11111111"


def test_another_voice_makes_another_sound(webui, out):
    for name, words in (("a", ()), ("b", ("--voice", "Ada"))):
        assert webui.speak(TEXT, "-o", out / f"{name}.wav", *words) == 0
    assert not np.array_equal(read_audio(out / "a.wav")[0], read_audio(out / "b.wav")[0])


def test_a_name_that_two_voices_have_is_refused_with_their_ids(webui, own_voice, out, capsys):
    own_voice("mine.npz", name="Ada")
    message = refusal(capsys, webui.speak(TEXT, "-o", out / "a.wav", "--voice", "ada"))
    assert 'Several voices are called "ada": mine-' in message
    assert "ada-b3802f61" in message
    assert list(out.iterdir()) == []


def test_an_unknown_voice_is_refused(webui, out, capsys):
    code = webui.speak(TEXT, "-o", out / "a.wav", "--voice", "nobody\x1b[31m")
    message = refusal(capsys, code)
    assert 'The voice "nobody[31m" is not there.' in message
    assert list(out.iterdir()) == []


@pytest.fixture
def two_families(tiny_family, tmp_path):
    """`tiny`, and `other` with a voice of its own beside voices of the same names."""
    shutil.copytree(tiny_family, tmp_path / "models" / "tiny")
    other = make_tiny_family(tmp_path / "models" / "other", seed=1)
    facts = json.dumps({"name": "Stranger", "family": "other"})
    arrays = random_speaker(50, 3)
    np.savez(other / "speakers" / "stranger.npz", **arrays, metadata=np.array(facts))
    return CommandLine(tmp_path / "models", tmp_path / "speakers")


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_voice_of_another_family_is_refused_with_its_familys_name(by, two_families, out, capsys):
    assert two_families("voices", "--family", "other", "--json") == 0
    voices = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    wanted = voices["Stranger"][by]
    code = two_families.speak(TEXT, "-o", out / "a.wav", "--voice", wanted)
    message = refusal(capsys, code)
    assert message.startswith('The voice "Stranger" belongs to the family "other"')
    assert list(out.iterdir()) == []


def test_a_name_that_both_families_have_means_the_chosen_familys(two_families, out):
    assert two_families.speak(TEXT, "-o", out / "a.wav", "--voice", "Ada") == 0
    assert read_metadata(out / "a.wav")["voice"] == "ada-b3802f61"


def test_no_hostile_speaker_file_speaks_or_shows_more_than_a_sentence(
    webui, own_voice, out, tmp_path, capsys
):
    marker = tmp_path / "was_run"
    for number, (_, data) in enumerate(islice(hostile_files(str(marker)), 60, 120, 2)):
        own_voice(f"h{number}.npz", data)
    (webui.speakers_dir / "folder.npz").mkdir()
    (webui.speakers_dir / "link.npz").symlink_to("/dev/zero")
    os.mkfifo(webui.speakers_dir / "pipe\x1b[31m.npz")
    assert webui("voices", "--json") == 0
    broken = [each for each in json.loads(capsys.readouterr().out) if each["broken"]]
    assert len(broken) > 25
    for voice in broken[::3]:
        message = refusal(capsys, webui.speak(TEXT, "-o", out / "a.wav", "--voice", voice["id"]))
        assert "cannot be used" in message
    code = webui.speak(TEXT, "-o", out / "a.wav", "--voice", "pipe[31m")
    assert "is not a plain file" in refusal(capsys, code)
    assert not marker.exists()
    assert list(out.iterdir()) == []


def test_a_speech_becomes_a_voice_that_can_be_spoken_with_again(webui, out, capsys):
    webui.speakers_dir.mkdir()
    kept = webui.speakers_dir / "Echo.npz"
    assert webui.speak(TEXT, "-o", out / "a.wav", "--seed", "3", "--save-voice", kept) == 0
    with zipfile.ZipFile(kept) as archive:
        arrays = {"semantic_prompt.npy", "coarse_prompt.npy", "fine_prompt.npy", "metadata.npy"}
        assert set(archive.namelist()) == arrays
    capsys.readouterr()
    assert kept.is_file()
    assert webui.speak(TEXT, "-o", out / "b.wav", "--voice", "echo", "--json") == 0
    assert json.loads(capsys.readouterr().out)["voice"].startswith("echo-")
    assert webui("voices", "--family", "tiny", "--json") == 0
    (voice,) = [each for each in json.loads(capsys.readouterr().out) if each["name"] == "Echo"]
    assert (voice["family"], voice["source"], voice["broken"]) == ("tiny", "own", None)


def speech_of(*frames):
    """A speech whose parts have so many frames."""
    parts = []
    for number, count in enumerate(frames):
        arrays = random_speaker(count, number).values()
        parts.append(SpokenChunk(f"part {number}", 0.0, 1.0, Speaker(*arrays), number))
    return Speech(sine(), RATE, tuple(parts), 1, 0.1, "tiny")


def test_a_kept_voice_holds_the_last_part_that_says_something(tiny_family, out):
    settings = Settings(models_dir=tiny_family.parent)
    cli_speak._write_voice(out / "v.npz", settings, speech_of(60, 50, 0), RECIPE)
    kept = read_speaker(out / "v.npz", limits_of(read_family(tiny_family)))
    expected = random_speaker(50, 1)
    assert np.array_equal(kept.speaker.semantic, expected["semantic_prompt"])
    assert np.array_equal(kept.speaker.fine, expected["fine_prompt"])
    assert (kept.metadata.name, kept.metadata.family) == ("v", "tiny")
    assert kept.metadata.notes == "seed 1: part 1"
    assert kept.notes == ()


def test_silence_is_not_kept_as_a_voice(tiny_family, out):
    settings = Settings(models_dir=tiny_family.parent)
    with pytest.raises(SpeakerFileError, match="Nothing was said"):
        cli_speak._write_voice(out / "v.npz", settings, speech_of(0, 0), RECIPE)
    assert list(out.iterdir()) == []
