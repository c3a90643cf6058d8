"""The three ways from a recording to a voice.

All take the part of the recording that is used, at a rate at least the codec's: codec and HuBERT
each resample from there. Whatever the method, words and sound of the voice last equally long.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from webui.arrays import FineCodes, SemanticTokens, Speaker, Waveform
from webui.audio import resample
from webui.cloning.base_voices import nearest_base
from webui.cloning.conversion.converter import Converter, given_up_by
from webui.cloning.hubert import SpeechListener
from webui.errors import CloneError, JobCancelled
from webui.events import Cancelled, CancelToken, Done, Event, Progress, Speech
from webui.speaker_limits import (
    TRIMMED_FRAMES,
    SpeakerLimits,
    check_ranges,
    even_lengths,
    limits_of,
)
from webui.synthesis.controls import controls_from_json
from webui.synthesis.models import BarkModels
from webui.synthesis.rendering import seed_of
from webui.synthesis.sampling import Drawing, generators_of
from webui.synthesis.semantic import EndRule, TextPrompt, generate_semantic
from webui.synthesis.speech import speak

Embed = Callable[[Waveform, int], np.ndarray]
SENTENCE = "The sun was low and the road was long. We walked home in the cold wind."
"""What a base voice says before it is converted, unless another sentence is asked for."""
TAKES = 3
SLACK = 1.5  # times the recording's length is how long a take may get before it is stopped


@dataclass(frozen=True)
class CloneDrawing:
    """What chance and choice decide while a voice is made."""

    seed: int
    takes: int = TAKES  # of method 1; the one whose length fits best is taken
    language: str = "en"
    sentence: str = SENTENCE  # of method 3


@dataclass(frozen=True, eq=False)
class MadeVoice:
    """A voice, what was done without being asked, and figures of how it was made."""

    speaker: Speaker
    notes: tuple[str, ...] = ()
    details: Mapping[str, str | float] = field(default_factory=dict)


def clone_with_quantizer(
    models: BarkModels, listener: SpeechListener, waveform: Waveform, rate: int
) -> MadeVoice:
    """Method 2: semantics heard in the recording itself, sound encoded by the codec.

    Args:
        models: the family that will speak.
        listener: the encoder and a quantizer into this family's tokens.
        waveform: the part of the recording, level-normalised.
        rate: its sample rate in Hz.

    Raises:
        CloneError: the quantizer belongs to another family.
        AudioFileError: the recording is too long or empty.
    """
    limits = limits_of(models.family)
    if listener.quantizer.config.tokens != limits.semantic_vocabulary:
        raise CloneError(
            f'The quantizer "{listener.quantizer_name}" knows '
            f"{listener.quantizer.config.tokens:,} tokens and {models.family.title} "
            f"{limits.semantic_vocabulary:,}. Choose one that was made for this family."
        )
    semantic = listener.semantics(waveform, rate)
    fine = _encode(models, waveform, rate)
    speaker, _ = _fitted(semantic, fine, limits)  # a frame or two is rounding, nothing to tell
    return MadeVoice(speaker, details={"quantizer": listener.quantizer_name})


def clone_from_transcript(  # noqa: PLR0913  (five make the voice, the sixth may stop it)
    models: BarkModels,
    transcript: str,
    waveform: Waveform,
    rate: int,
    drawing: CloneDrawing,
    cancel: CancelToken,
) -> Generator[Event, None, MadeVoice]:
    """Method 1, the baseline: semantics that Bark makes up from the transcript.

    Nothing ties them to the recording but the words, so several takes are drawn and the one whose
    length fits best is kept; words and sound are then lined up at their ends, because a voice's
    end decides the most, and what is left over at the start is cut.

    Raises:
        CloneError: there is no transcript, or Bark says nothing for it.
        JobCancelled: somebody pressed Stop.
    """
    text = " ".join(transcript.split())
    if not text:
        raise CloneError("This way needs what is said in the recording. Type the transcript.")
    limits, config = limits_of(models.family), models.family.semantic
    fine = _encode(models, waveform, rate)
    ratio = limits.frames_per_token or 1.0
    wanted = max(1, round(fine.shape[1] / ratio))
    takes = yield from _said(
        models, text, min(config.max_tokens, int(wanted * SLACK)), drawing, cancel
    )
    best = min(takes, key=lambda row: abs(len(row) - wanted))
    if not len(best):
        raise CloneError("Bark said nothing for this transcript. Try another seed, or method 2.")
    semantic, kept = best[-wanted:], min(fine.shape[1], round(len(best) * ratio))
    speaker, notes = _fitted(semantic, fine[:, -kept:], limits)
    gap = (len(best) - wanted) / config.rate_hz
    if abs(gap) > TRIMMED_FRAMES / models.family.coarse.rate_hz:
        which = "longer" if gap > 0 else "shorter"
        notes = (
            *notes,
            f"The words made up for the transcript last {abs(gap):.1f} s {which} than the "
            "recording; the start of the longer part was cut.",
        )
    return MadeVoice(speaker, notes, {"length_gap_seconds": round(gap, 2), "transcript": text})


def clone_by_conversion(  # noqa: PLR0913  (six make the voice)
    models: BarkModels,
    converter: Converter,
    bases: Sequence[tuple[str, Speaker]],
    waveform: Waveform,
    rate: int,
    drawing: CloneDrawing,
    cancel: CancelToken,
    embed: Embed | None = None,
) -> Generator[Event, None, MadeVoice]:
    """Method 3: Bark speaks in the nearest base voice, a converter moves that sound to the speaker.

    Words and sound agree by construction: the semantics are those that Bark spoke.

    Args:
        models: the family that will speak.
        converter: moves sound from one voice to another, without changing its length.
        bases: names and voices to choose the nearest of; none lets Bark choose a voice by chance.
        waveform: the part of the recording.
        rate: its sample rate in Hz.
        drawing: the seed and the sentence.
        cancel: looked at before every token, and while a slow converter works.
        embed: a speaker encoder, to choose the base by; without one the pitch decides.

    Raises:
        CloneError: the converter changed the length, or Bark said nothing.
        JobCancelled: somebody pressed Stop.
    """
    base = nearest_base(models.codec, bases, waveform, rate, embed)
    name, speaker = base if base is not None else ("", None)
    speech = yield from _spoken(models, speaker, drawing, cancel)
    said = [chunk.speaker for chunk in speech.chunks if len(chunk.speaker.semantic)]
    if not said:
        raise CloneError("Bark said nothing to convert. Try another seed, or method 2.")
    yield Progress("convert", 0.7, message="Converting the voice")
    semantic = np.concatenate([each.semantic for each in said])
    spoken = np.concatenate([each.fine for each in said], axis=1)
    source = models.codec.decode(spoken)
    try:
        with given_up_by(cancel, converter):
            converted, its_rate = converter.convert(
                source, models.codec.sample_rate, waveform, rate
            )
    except CloneError:
        if cancel.cancelled:
            raise JobCancelled from None
        raise
    if cancel.cancelled:
        raise JobCancelled
    fine = _encode(models, converted, its_rate)
    gap = fine.shape[1] - spoken.shape[1]
    if abs(gap) > TRIMMED_FRAMES:
        raise CloneError(
            f"{converter.title} changed the length of the speech by "
            f"{abs(gap) / models.family.coarse.rate_hz:.1f} s, so words and sound no longer agree. "
            "Choose another converter, or method 2."
        )
    voice, notes = _fitted(semantic, fine, limits_of(models.family))
    details: dict[str, str | float] = {"converter": converter.name, "base_voice": name}
    return MadeVoice(voice, notes, {**details, "sentence": drawing.sentence})


def _encode(models: BarkModels, waveform: Waveform, rate: int) -> FineCodes:
    return models.codec.encode(resample(waveform, rate, models.codec.sample_rate))


def _fitted(
    semantic: SemanticTokens, fine: FineCodes, limits: SpeakerLimits
) -> tuple[Speaker, tuple[str, ...]]:
    """Make words and sound last equally long."""
    coarse = fine[: limits.coarse_codebooks]
    check_ranges(semantic, coarse, fine, limits)
    return even_lengths(semantic, coarse, fine, limits, repair=True)


def _said(
    models: BarkModels, text: str, most: int, drawing: CloneDrawing, cancel: CancelToken
) -> Generator[Event, None, list[SemanticTokens]]:
    """Say a transcript several times without a voice, in one pass."""
    controls = controls_from_json(models.family.controls)
    ids = models.tokenizer.encode(text)
    seeds = [seed_of(drawing.seed, "clone", take) for take in range(drawing.takes)]
    steps = generate_semantic(
        models.text,
        models.family.semantic,
        TextPrompt([ids] * len(seeds)),
        Drawing(controls.semantic, generators_of(seeds), cancel),
        EndRule(controls.min_eos_p, most),
    )
    while True:
        try:
            made = next(steps)
        except StopIteration as end:
            rows: list[SemanticTokens] = end.value
            return rows
        if made % 25 == 1:
            yield Progress("semantic", min(0.9, made / most), message="Reading the transcript")


def _spoken(
    models: BarkModels, speaker: Speaker | None, drawing: CloneDrawing, cancel: CancelToken
) -> Generator[Event, None, Speech]:
    """Say the sentence; only the progress is passed on."""
    controls = controls_from_json(
        {"seed": drawing.seed}, controls_from_json(models.family.controls)
    )
    for event in speak(models, drawing.sentence, speaker, controls, cancel, drawing.language):
        if isinstance(event, Progress):
            yield replace(event, fraction=0.7 * event.fraction)
        elif isinstance(event, Cancelled):
            raise JobCancelled
        elif isinstance(event, Done) and event.result is not None:
            return event.result
    raise CloneError("Bark said nothing to convert. Try another seed, or method 2.")
