"""The second teacher speaks, for the encoder only: clips like the teacher's, without letters.

python -m recipes.mini.espeak --work WORK [--shards N]
"""

import argparse
from pathlib import Path

import numpy as np

from recipes.mini import teacher
from recipes.mini.espeak_phones import PAUSE
from recipes.mini.flite import RATE
from recipes.mini.speakers_espeak import TRAINING_ESPEAK
from recipes.mini.spelling import PHONES
from recipes.mini.teacher import CLIPS_A_SHARD, LEAD_SECONDS, PEAK, TAIL_SECONDS, write_shard

SHARDS = 8  # more than two hours
_PHONE_ID = {phone: index for index, phone in enumerate(PHONES)}


def say(text: str, speaker_index: int) -> dict[str, np.ndarray] | None:
    """One clip, as `recipes.mini.teacher` makes them; every letter is -1.

    None where a word is spoken with a sound that English does not have.
    """
    try:
        samples, segments = TRAINING_ESPEAK[speaker_index].say(text)
    except KeyError:
        return None
    last = segments[-2 if segments[-1].phone == PAUSE else -1].end_seconds
    stop = min(last + TAIL_SECONDS, segments[-1].end_seconds)
    clip = np.concatenate(
        [np.zeros(int(LEAD_SECONDS * RATE), np.float32), samples[: int(stop * RATE)]]
    )
    ends = [LEAD_SECONDS + min(each.end_seconds, stop) for each in segments]
    peak = max(float(np.abs(clip).max()), 1e-3)
    return {
        "samples": np.round(clip * (PEAK / peak) * 32_767).astype(np.int16),
        "phones": np.array(
            [_PHONE_ID[PAUSE], *(_PHONE_ID[each.phone] for each in segments)], dtype=np.int16
        ),
        "ends": (np.array([LEAD_SECONDS, *ends]) * RATE).astype(np.int32),
        "letters": np.full(len(segments) + 1, -1, dtype=np.int16),
    }


def jobs() -> list[tuple[str, int]]:
    """Every text the teacher says, in another order, with a speaker; the same at every call."""
    generator = np.random.default_rng(2)
    texts = [text for text, _ in teacher.jobs()]
    generator.shuffle(texts)
    speakers = generator.integers(len(TRAINING_ESPEAK), size=len(texts))
    return [(text, int(speaker)) for text, speaker in zip(texts, speakers, strict=True)]


def main() -> None:
    """Make the shards that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=SHARDS)
    arguments = parser.parse_args()
    folder = arguments.work / "espeak"
    folder.mkdir(parents=True, exist_ok=True)
    everything = jobs()
    for index in range(arguments.shards):
        path = folder / f"{index:03d}.npz"
        part = everything[index * CLIPS_A_SHARD : (index + 1) * CLIPS_A_SHARD]
        if part and not path.exists():
            seconds = write_shard(path, part, say)
            print(f"shard {index + 1} of {arguments.shards}: {seconds / 3600:.2f} h", flush=True)


if __name__ == "__main__":
    main()
