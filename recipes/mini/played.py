"""Step 1: more speakers still: the teachers' clips played faster and slower.

    python -m recipes.mini.played --work WORK [--shards N] [--worker I --workers N]

Each speaker becomes one more, whose pitch, formants and pace have all moved by the same factor. The coarse and the
fine stage and the decoder learn from them what a voice may be like, and cannot learn the clips by heart.
"""

import argparse
from pathlib import Path

import numpy as np
import soxr

from recipes.mini.clips import TEACHERS, Clip, read_shard, shards_of
from recipes.mini.speakers import OF_FOLDER, TeacherSpeaker, is_nearly_kept_out
from recipes.mini.teacher import write_shard

FOLDER = "played"
LEAST, MOST = 0.06, 0.24  # octaves up or down
SPEAKERS_APART = 1_000  # more than any teacher has


def factor_of(teacher: str, speaker: int) -> float:
    """How many times faster this speaker is played; the same at every call.

    No speaker becomes nearly one that is kept out.
    """
    dice = np.random.default_rng([TEACHERS.index(teacher), speaker])
    known = OF_FOLDER.get(teacher)
    while True:
        factor = float(2 ** (dice.choice([-1, 1]) * dice.uniform(LEAST, MOST)))
        if known is None or not is_nearly_kept_out(moved(known[speaker], factor)):
            return factor


def moved(speaker: TeacherSpeaker, factor: float) -> TeacherSpeaker:
    """The speaker that is heard when this one is played `factor` times faster."""
    return TeacherSpeaker(
        name=f"{speaker.name}-played",
        base=speaker.base,
        formants=speaker.formants * factor,
        pitch_hz=speaker.pitch_hz * factor,
        pitch_spread_hz=speaker.pitch_spread_hz * factor,
        stretch=speaker.stretch / factor,
    )


def played(clip: Clip, factor: float) -> dict[str, np.ndarray]:
    """One clip `factor` times faster, as `recipes.mini.teacher` makes them."""
    samples = soxr.resample(clip.samples.astype(np.float32), factor, 1.0, "MQ")
    samples = np.round(np.clip(samples, -32_768, 32_767)).astype(np.int16)
    ends = np.minimum(np.round(clip.ends / factor), len(samples)).astype(np.int32)
    return {"samples": samples, "phones": clip.phones, "ends": ends, "letters": clip.letters}


def write_played(path: Path, shard: Path) -> float:
    """Play all clips of a shard into one file; returns the seconds of speech."""
    clips, teacher = read_shard(shard), shard.parent.name
    first = SPEAKERS_APART * TEACHERS.index(teacher)
    made = (played(clip, factor_of(teacher, clip.speaker)) for clip in clips)
    jobs = [(clip.text, first + clip.speaker) for clip in clips]
    return write_shard(path, jobs, lambda *_: next(made))


def main() -> None:
    """Make the shards that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=12, help="of each teacher, at most")
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    folder = arguments.work / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    spoken = [
        each for each in shards_of(arguments.work, arguments.shards) if each.parent.name != FOLDER
    ]
    for index, shard in enumerate(spoken):
        path = folder / f"{shard.parent.name}-{shard.name}"
        if index % arguments.workers == arguments.worker and not path.exists():
            print(f"{path} {write_played(path, shard) / 3600:.2f} h", flush=True)


if __name__ == "__main__":
    main()
