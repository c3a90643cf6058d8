"""The clone report: how alike, how well understood, how clean; in numbers and in words."""

from collections.abc import Sequence

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.clone_results import CloneReport, SentenceHeard, SoundFacts
from webui.quality.similarity import SpeakerEncoder
from webui.quality.sound_facts import measure_sound
from webui.quality.words import Recogniser, words_of, words_right

# Cosines of the speaker encoder on people (see similarity.py): two speakers, and one.
DIFFERENT, SAME = 0.55, 0.85
LOWEST_TOP = 0.80  # a recording whose halves are less alike says nothing of what is possible
CLOSE, SOMEWHAT = 0.75, 0.4  # of the way from another speaker to the recording's own likeness
LEAST_HALF_SECONDS = 1.6  # what the encoder hears at a time
LIKENESS_WEIGHT, WORDS_WEIGHT = 0.6, 0.4
NOISIER_DB = 12.0  # than the recording, and it is said
UNDERSTOOD, HARDLY = 0.9, 0.5  # shares of the words
PAUSE_SECONDS = 0.2  # between the sentences when they are measured together


def make_report(  # noqa: PLR0913  (two sounds with their rates, and who judges them)
    reference: Waveform,
    reference_rate: int,
    said: Sequence[tuple[str, OtherWaveform]],
    rate: int,
    language: str,
    encoder: SpeakerEncoder | None,
    recogniser: Recogniser | None,
) -> CloneReport:
    """Judge what a clone said beside the recording it was made of.

    The score, 0..1, that clones are ranked by is 0.6 times the likeness and 0.4 times the share of
    words heard; what cannot be told is left out. Likeness counts from the cosine of two different
    people, 0.55, as nothing, to the recording's own (its halves', at least 0.80) as all.

    Args:
        reference: speech of the speaker.
        reference_rate: its sample rate in Hz.
        said: the sentences asked for and the sound of each.
        rate: the sounds' sample rate in Hz.
        language: ISO 639 code.
        encoder: the speaker encoder; None leaves out how alike the voices are.
        recogniser: None leaves out which words were said.

    Raises:
        CheckpointError: the speech detector's weights are missing.
    """
    speech = _in_a_row([sound for _, sound in said], rate)
    clone = measure_sound(speech, rate)
    recording = measure_sound(reference, reference_rate)
    similarity, ceiling = None, None
    if encoder is not None and len(speech):
        similarity = float(encoder.embed(reference, reference_rate) @ encoder.embed(speech, rate))
        ceiling = own_likeness(reference, reference_rate, encoder)
    sentences = tuple(_heard(asked, sound, rate, language, recogniser) for asked, sound in said)
    shares = [each.words_right for each in sentences if each.words_right is not None]
    words = float(np.mean(shares)) if shares else None
    nearness = None if similarity is None else nearness_of(similarity, ceiling)
    closeness = "" if nearness is None else closeness_of(nearness)
    verdict = " ".join(
        (
            *_of_likeness(closeness, ceiling),
            *_of_words(words, sentences),
            *_of_sound(recording, clone),
        )
    )
    return CloneReport(
        similarity=similarity,
        ceiling=ceiling,
        words_right=words,
        sentences=sentences,
        reference=recording,
        clone=clone,
        closeness=closeness,
        verdict=verdict,
        score=score_of(nearness, words),
    )


def own_likeness(reference: Waveform, rate: int, encoder: SpeakerEncoder) -> float | None:
    """How alike the halves of a recording are: no clone can be more. None if it is too short."""
    middle = len(reference) // 2
    if middle < LEAST_HALF_SECONDS * rate:
        return None
    first, second = reference[:middle], reference[middle:]
    return float(encoder.embed(first, rate) @ encoder.embed(second, rate))


def nearness_of(similarity: float, ceiling: float | None) -> float:
    """How far a likeness has come from another speaker's (0) to the recording's own (1)."""
    top = SAME if ceiling is None else max(ceiling, LOWEST_TOP)
    return min(max((similarity - DIFFERENT) / (top - DIFFERENT), 0.0), 1.0)


def closeness_of(nearness: float) -> str:
    """The same in a word: close, somewhat or far."""
    return "close" if nearness >= CLOSE else "somewhat" if nearness >= SOMEWHAT else "far"


def score_of(nearness: float | None, words: float | None) -> float:
    """What clones are ranked by."""
    known = [
        (weight, value)
        for weight, value in ((LIKENESS_WEIGHT, nearness), (WORDS_WEIGHT, words))
        if value is not None
    ]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else 0.0


def _heard(
    asked: str, sound: OtherWaveform, rate: int, language: str, recogniser: Recogniser | None
) -> SentenceHeard:
    if recogniser is None:
        return SentenceHeard(asked, None, None)
    heard = recogniser.listen_for(asked, sound.astype(np.float32), rate, language).text
    return SentenceHeard(asked, heard, words_right(asked, heard))


def _in_a_row(sounds: Sequence[OtherWaveform], rate: int) -> OtherWaveform:
    pause = np.zeros(round(PAUSE_SECONDS * rate), np.float32)
    parts = [each for sound in sounds for each in (sound.astype(np.float32), pause)]
    return np.concatenate(parts[:-1]) if parts else np.zeros(0, np.float32)


def _of_likeness(closeness: str, ceiling: float | None) -> list[str]:
    words = {
        "close": "It sounds close to the speaker.",
        "somewhat": "It sounds somewhat like the speaker.",
        "far": "It does not sound close to the speaker; another part of the recording, or another "
        "method, may do better.",
        "": "How alike the voices are could not be measured here; listen to both.",
    }
    found = [words[closeness]]
    if ceiling is not None and ceiling < LOWEST_TOP:
        found.append(
            f"The recording itself varies (its two halves are {ceiling:.2f} alike), so take this "
            "with care."
        )
    return found


def _of_words(words: float | None, sentences: Sequence[SentenceHeard]) -> list[str]:
    if words is None:
        return []
    if words >= UNDERSTOOD:
        return ["Its words were understood."]
    count = sum(len(words_of(each.asked)) for each in sentences)
    right = sum(round((each.words_right or 0.0) * len(words_of(each.asked))) for each in sentences)
    some = f"{right} of {count} words were understood"
    return [f"Only {some}; another take may say more." if words < HARDLY else f"{some}."]


def _of_sound(recording: SoundFacts, clone: SoundFacts) -> list[str]:
    found = []
    if clone.noise_db < recording.noise_db - NOISIER_DB:
        found.append("It is noisier than the recording.")
    if clone.silence_share > max(0.5, recording.silence_share + 0.3):
        found.append("Much of it is silence.")
    return found
