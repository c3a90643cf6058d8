"""Step 1: the teacher speaks. Writes shards of clips with the phone and the letter of every moment.

    python -m recipes.mini.teacher --work WORK [--worker I --workers N]
    python -m recipes.mini.teacher --work WORK --wide
    python -m recipes.mini.teacher --work WORK --reading [--worker I --workers N]
    python -m recipes.mini.teacher --work WORK --voices [--worker I --workers N]

The second call says fewer texts with many more speakers: for the stages that must follow any voice. The third
says many more texts and keeps no sound, only what was said when: for the text stage, which learns to read. The last
says some of them with the speakers of the published voices only, for who shall speak most clearly.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from recipes.mini.flite import RATE, Segment
from recipes.mini.sentences import (
    cut_sentences,
    fortune_sentences,
    word_phrases,
    wordnet_sentences,
)
from recipes.mini.speakers import (
    KNOWN_SPEAKERS,
    OF_FOLDER,
    TRAINING_SPEAKERS,
    WIDE_SPEAKERS,
    TeacherSpeaker,
)
from recipes.mini.spelling import PHONES, letters_of_phones
from recipes.mini.voices import VOICES

CLIPS_A_SHARD = 500
PHRASES = 9_000
WIDE_CLIPS = 20_000
VOICE_CLIPS = 12_000
HARD_BASE, HARD_TIMES = "slt", 3  # of whom the family is understood worst; more often than others
READING_PHRASES = 12_000
LEAD_SECONDS, TAIL_SECONDS = 0.08, 0.12  # how much of the silence around a sentence is kept
PEAK = 0.6  # of full scale; every clip's loudest sample
_PHONE_ID = {phone: index for index, phone in enumerate(PHONES)}


def say(
    text: str, speaker_index: int, speakers: list[TeacherSpeaker] = TRAINING_SPEAKERS
) -> dict[str, np.ndarray] | None:
    """One clip: int16 samples, and per phone its id, end (in samples) and letter (-1 in a pause).

    None where flite read the text differently from how it is written.
    """
    samples, segments = speakers[speaker_index].say(text)
    letters = letters_of_segments(text, segments)
    if letters is None or segments[0].phone != "pau" or segments[-1].phone != "pau":
        return None
    start = max(0.0, segments[0].end_seconds - LEAD_SECONDS)
    stop = min(segments[-1].end_seconds, segments[-2].end_seconds + TAIL_SECONDS)
    ends = np.clip([p.end_seconds - start for p in segments], 0, stop - start) * RATE
    clip = samples[int(start * RATE) : int(stop * RATE)]
    peak = max(float(np.abs(clip).max()), 1e-3)
    return {
        "samples": np.round(clip * (PEAK / peak) * 32_767).astype(np.int16),
        "phones": np.array([_PHONE_ID[p.phone] for p in segments], dtype=np.int16),
        "ends": ends.astype(np.int32),
        "letters": np.array(letters, dtype=np.int16),
    }


def letters_of_segments(text: str, segments: list[Segment]) -> list[int] | None:
    """For each phone, the letter of `text` it comes from; a pause has the letter of its neighbour."""
    words, position = [], 0
    for word in text.split():
        position = text.index(word, position)
        words.append((position, word.strip(".,?!")))
        position += len(word)
    groups: list[tuple[str, list[int]]] = []
    for index, segment in enumerate(segments):
        if segment.phone == "pau":
            continue
        if not groups or groups[-1][0] != segment.token:
            groups.append((segment.token, []))
        groups[-1][1].append(index)
    if [token for token, _ in groups] != [word for _, word in words]:
        return None
    letters = [-1] * len(segments)
    for (start, word), (_, members) in zip(words, groups, strict=True):
        inside = letters_of_phones(word, [segments[i].phone for i in members])
        for member, letter in zip(members, inside, strict=True):
            letters[member] = start + letter
    return letters


def write_shard(
    path: Path,
    jobs: list[tuple[str, int]],
    say: Callable[[str, int], dict[str, np.ndarray] | None] = say,
    *,
    with_sound: bool = True,
) -> float:
    """Say all `jobs` (text, speaker) into one file; returns the seconds of speech.

    Without sound only its length is kept, and what is said at every moment.
    """
    clips, texts, speakers = [], [], []
    for text, speaker in jobs:
        clip = say(text, speaker)
        if clip is not None:
            clips.append(clip)
            texts.append(text)
            speakers.append(speaker)
    arrays = {
        key: np.concatenate([clip[key] for clip in clips])
        for key in (*(("samples",) if with_sound else ()), "phones", "ends", "letters")
    }
    arrays["sample_counts"] = np.array([len(clip["samples"]) for clip in clips])
    arrays["phone_counts"] = np.array([len(clip["phones"]) for clip in clips])
    arrays["texts"] = np.array(texts)
    arrays["speakers"] = np.array(speakers)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        (np.savez if with_sound else np.savez_compressed)(file, **arrays)
    unfinished.rename(path)
    return float(arrays["sample_counts"].sum()) / RATE


def jobs() -> list[tuple[str, int]]:
    """Every (text, speaker) the family is trained on, shuffled, the same at every call."""
    generator = np.random.default_rng(1)
    sentences = fortune_sentences()
    sentences += cut_sentences()
    texts = sentences + word_phrases(sentences, PHRASES, generator)
    generator.shuffle(texts)
    speakers = generator.integers(len(TRAINING_SPEAKERS), size=len(texts))
    return [(text, int(speaker)) for text, speaker in zip(texts, speakers, strict=True)]


def wide_jobs() -> list[tuple[str, int]]:
    """Some of the same texts in another order, each with one of `WIDE_SPEAKERS`."""
    generator = np.random.default_rng(4)
    texts = [text for text, _ in jobs() if len(text.split()) > 2]
    generator.shuffle(texts)
    speakers = generator.integers(len(WIDE_SPEAKERS), size=WIDE_CLIPS)
    return [
        (text, int(speaker)) for text, speaker in zip(texts[:WIDE_CLIPS], speakers, strict=True)
    ]


def reading_jobs() -> list[tuple[str, int]]:
    """Every text of `jobs`, and as many again of WordNet and of loose words, with one of `TRAINING_SPEAKERS`."""
    generator = np.random.default_rng(8)
    sentences = wordnet_sentences()
    texts = sentences + word_phrases(sentences, READING_PHRASES, generator)
    speakers = generator.integers(len(TRAINING_SPEAKERS), size=len(texts))
    everything = jobs() + [(text, int(each)) for text, each in zip(texts, speakers, strict=True)]
    order = generator.permutation(len(everything))
    return [everything[index] for index in order]


def voice_jobs() -> list[tuple[str, int]]:
    """Texts of several words, in another order, each with the speaker of a published voice, of `KNOWN_SPEAKERS`."""
    generator = np.random.default_rng(11)
    texts = [text for text, _ in jobs() if len(text.split()) > 3]
    generator.shuffle(texts)
    named = [speaker.name for speaker in KNOWN_SPEAKERS]
    speakers = [
        named.index(teacher)
        for teacher, _ in VOICES.values()
        for _ in range(HARD_TIMES if teacher.startswith(HARD_BASE) else 1)
    ]
    chosen = generator.integers(len(speakers), size=VOICE_CLIPS)
    return [
        (text, speakers[index]) for text, index in zip(texts[:VOICE_CLIPS], chosen, strict=False)
    ]


def main() -> None:
    """Make the shards that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--worker", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--wide", action="store_true", help="fewer texts, many more speakers")
    parser.add_argument(
        "--reading", action="store_true", help="many more texts, without their sound"
    )
    parser.add_argument("--voices", action="store_true", help="only the published voices' speakers")
    parser.add_argument("--shards", type=int, help="at most so many; default: all")
    arguments = parser.parse_args()
    kinds = {"wide": wide_jobs, "reading": reading_jobs, "voices": voice_jobs, "teacher": jobs}
    kind = next((each for each in kinds if vars(arguments).get(each)), "teacher")
    folder = arguments.work / kind
    folder.mkdir(parents=True, exist_ok=True)
    everything, speak = kinds[kind](), partial(say, speakers=OF_FOLDER[kind])
    shards = [everything[i : i + CLIPS_A_SHARD] for i in range(0, len(everything), CLIPS_A_SHARD)]
    shards = shards[: arguments.shards]
    for index, part in enumerate(shards):
        path = folder / f"{index:03d}.npz"
        if index % arguments.workers != arguments.worker or path.exists():
            continue
        seconds = write_shard(path, part, speak, with_sound=not arguments.reading)
        print(f"shard {index + 1} of {len(shards)}: {seconds / 3600:.2f} h", flush=True)


if __name__ == "__main__":
    main()
