"""The drift guard: whether each chunk still sounds like the voice it is spoken in."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from webui.arrays import FineCodes, OtherWaveform, Speaker, SpeakerEmbedding, Waveform
from webui.synthesis.judging import Attempt, Verdict

# Cosines of speaker embeddings. In the built-in family (12 voices of 4.5 s, 34 sentences) a voice's
# halves are alike by 0.85 to 0.93, a sentence is at most 0.05 below that, and three in four other
# voices are more than 0.15 below. Of people: one 0.85 (deviation 0.04), two 0.55 (0.09).
MOST_BELOW = 0.12  # how far a chunk may lie below the voice's own level
LOWEST, HIGHEST = 0.6, 0.8  # bounds of what is asked for, whatever the voice's own level is
LEAST_SECONDS = 1.0  # of sound; half a second less already costs 0.1
VOICE_SECONDS = 12.0  # of a voice's end are listened to
VOICES_KEPT = 8


@runtime_checkable
class Embedder(Protocol):
    """Turns speech into a vector of length one (`webui.quality.similarity.SpeakerEncoder`)."""

    def embed(self, waveform: OtherWaveform, rate: int) -> SpeakerEmbedding:
        """Embed a recording."""


@dataclass(frozen=True, eq=False)
class KnownVoice:
    """A voice as the encoder hears it, and the similarity that its chunks must have."""

    embedding: SpeakerEmbedding
    usual: float  # of its two halves to each other
    least: float


class DriftGuard:
    """Compares each chunk with the voice; where it falls too far below, it has drifted."""

    def __init__(self, encoder: Embedder, decode: Callable[[FineCodes], Waveform]) -> None:
        """Prepare to listen.

        Args:
            encoder: compares voices.
            decode: turns a voice's codes into its sound.
        """
        self._encoder = encoder
        self._decode = decode
        self._known: OrderedDict[Speaker, KnownVoice] = OrderedDict()

    def judge(self, attempt: Attempt) -> Verdict:
        """Compare one attempt with its voice; where too little is known of either, it is right."""
        sound, rate = attempt.waveform, attempt.rate
        if attempt.voice is None or len(sound) < LEAST_SECONDS * rate:
            return Verdict(is_right=True, score=1.0)
        voice = self._voice(attempt.voice, rate)
        if voice is None:
            return Verdict(is_right=True, score=1.0)
        similarity = float(self._encoder.embed(sound, rate) @ voice.embedding)
        if similarity >= voice.least:
            return Verdict(is_right=True, score=1.0, similarity=similarity)
        note = (
            f"It sounds less like the voice than it should (similarity {similarity:.2f}, at least "
            f"{voice.least:.2f} is usual)."
        )
        return Verdict(
            is_right=False,
            score=max(similarity, 0.0) / voice.least,
            is_drifted=True,
            similarity=similarity,
            notes=(note,),
        )

    def _voice(self, speaker: Speaker, rate: int) -> KnownVoice | None:
        """Listen to a voice, once; None where it is too short to be known."""
        if speaker not in self._known:
            sound = self._decode(speaker.fine)[-round(VOICE_SECONDS * rate) :]
            if len(sound) < 2 * LEAST_SECONDS * rate:
                return None
            self._known[speaker] = self._listened(sound, rate)
            if len(self._known) > VOICES_KEPT:
                self._known.popitem(last=False)
        return self._known[speaker]

    def _listened(self, sound: Waveform, rate: int) -> KnownVoice:
        half = len(sound) // 2
        first, second = (self._encoder.embed(each, rate) for each in (sound[:half], sound[half:]))
        usual = float(first @ second)
        least = min(max(usual - MOST_BELOW, LOWEST), HIGHEST)
        return KnownVoice(self._encoder.embed(sound, rate), usual, least)
