"""Several programs on one folder of voices: what each of them does is there in the end."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.backend.voice_files import add_voice
from webui.backend.favourite_voices import FavouriteVoices
from webui.backend.library_desk import LibraryDesk
from webui.speaker_file import read_speaker, read_speaker_bytes
from webui.speaker_limits import SpeakerLimits

ROOT = Path(__file__).parents[2]
ANYTHING = SpeakerLimits(8, 2, 1_024, 10_000, None, None)


def writer(own: Path, models: Path, part: str, rounds: int) -> subprocess.Popen:
    line = [sys.executable, "-m", "tests.backend.library_writer"]
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    process = subprocess.Popen([*line, str(own), str(models), part, str(rounds)], cwd=ROOT, **pipes)
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.slow
def test_two_programs_lose_nothing_of_each_other(library, models, own):
    path = add_voice(own / "shared.npz", name="Shared", family="tiny", theirs=[1, 2])
    rounds = 12
    with writer(own, models, "tags", rounds) as one, writer(own, models, "notes", rounds) as other:
        for each in (one, other):
            each.stdin.write(b"go\n")
            each.stdin.flush()
        assert (one.wait(100), other.wait(100)) == (0, 0)
    metadata = read_speaker(path, ANYTHING).metadata
    assert len(metadata.tags) == rounds
    assert metadata.notes == "n" * rounds
    assert metadata.other == {"theirs": [1, 2]}
    voices = library.voices()
    assert len(voices) == 1 + 2 * rounds
    assert len({voice.name.casefold() for voice in voices}) == len(voices)
    assert not any(voice.broken for voice in voices)
    liked = FavouriteVoices(own).ids()
    assert liked == {voice.id for voice in voices if voice.name != "Shared"}
    assert not list((own / ".trash").iterdir())


@pytest.mark.slow
def test_a_program_that_is_killed_leaves_whole_files_and_no_lock(library, models, own):
    path = add_voice(own / "shared.npz", name="Shared", family="tiny")
    for _ in range(5):
        with writer(own, models, "notes", 10_000) as process:
            process.stdin.write(b"go\n")
            process.stdin.flush()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.2)
            process.send_signal(signal.SIGKILL)
            process.wait()
        for each in own.rglob("*.npz"):
            read_speaker(read_speaker_bytes(each), ANYTHING)
    desk = LibraryDesk(library, threading.Lock(), own, lambda family, fine: (fine, 0))
    desk.describe(library.id_of(path), notes="still here")
    assert read_speaker(path, ANYTHING).metadata.notes == "still here"
