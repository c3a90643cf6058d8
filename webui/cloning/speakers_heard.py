"""Tells several speakers in recordings apart, by embeddings of pieces of their speech."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from webui.arrays import Waveform
from webui.clone_results import Window
from webui.cloning.listening import Heard
from webui.cloning.voice_detector import RATE

Embed = Callable[[Waveform, int], np.ndarray]

PIECE_SECONDS, LEAST_PIECE_SECONDS = 2.0, 1.2
MOST_PIECES = 24  # embedded, spread over all speech: 0.04 s of processor time each
# Cosines of resemblyzer's encoder for pieces of 2 s, measured on 20 voices of flite, espeak-ng and
# the built-in family: one voice 0.85 +- 0.04 (1 in 100 below 0.74), two voices 0.58 +- 0.13.
SAME_SPEAKER = 0.70  # on average between two groups of pieces: above, they are one speaker
LEAST_PIECES, LEAST_SHARE = 2, 0.15  # that a second speaker has; one odd piece is a laugh
ANOTHER_SPEAKER = 0.3  # what a window keeps of its score when another speaker is heard in it
SHARED_SECONDS = 0.2  # of another speaker's piece do not matter
MOST_CHECKED = 16  # windows whose halves are listened to


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of speech and whose it is, counted from the speaker who speaks most."""

    recording: int
    start: float  # seconds
    end: float
    speaker: int


@dataclass(frozen=True, eq=False)
class SpeakersHeard:
    """Who speaks: the pieces that were listened to, and how each speaker sounds."""

    pieces: tuple[Piece, ...] = ()
    voices: tuple[np.ndarray, ...] = ()  # embeddings of length one, the main speaker's first

    @property
    def are_several(self) -> bool:
        """Whether more than one person speaks."""
        return len(self.voices) > 1


def tell_speakers(heard: Sequence[Heard], embed: Embed | None) -> SpeakersHeard:
    """Find out who speaks; nobody is told apart without `embed` or with too little speech."""
    places = _spread(
        [
            (recording, start, end)
            for recording, each in enumerate(heard)
            for span in each.spans
            for start, end in _parts(*span)
        ]
    )
    if embed is None or len(places) < 2:
        return SpeakersHeard()
    embeddings = np.stack([_voice_of(heard[place[0]], place[1:], embed) for place in places])
    groups = _groups(embeddings)
    most = max(len(group) for group in groups)
    least = max(min(LEAST_PIECES, len(places) // 2), LEAST_SHARE * len(places))
    speakers = [group for group in groups if len(group) >= least or len(group) == most]
    of_piece = {index: speaker for speaker, group in enumerate(speakers) for index in group}
    return SpeakersHeard(
        pieces=tuple(Piece(*places[index], speaker) for index, speaker in sorted(of_piece.items())),
        voices=tuple(_unit(embeddings[group].sum(axis=0)) for group in speakers),
    )


def has_others(window: Window, speakers: SpeakersHeard) -> bool:
    """Whether a piece by another than the main speaker lies in a window."""
    return any(
        piece.speaker
        and piece.recording == window.recording
        and piece.end > window.start_seconds + SHARED_SECONDS
        and piece.start < window.end_seconds - SHARED_SECONDS
        for piece in speakers.pieces
    )


def sounds_like_others(window: Window, heard: Heard, speakers: SpeakersHeard, embed: Embed) -> bool:
    """Whether one half of a window sounds more like another than the main speaker."""
    middle = (window.start_seconds + window.end_seconds) / 2
    for half in ((window.start_seconds, middle), (middle, window.end_seconds)):
        likeness = [float(_voice_of(heard, half, embed) @ voice) for voice in speakers.voices]
        if max(likeness) > likeness[0]:
            return True
    return False


def _parts(start: float, end: float) -> list[tuple[float, float]]:
    """A span as pieces of about two seconds; none when it is too short to tell."""
    if end - start < LEAST_PIECE_SECONDS:
        return []
    edges = np.linspace(start, end, max(1, round((end - start) / PIECE_SECONDS)) + 1).tolist()
    return list(zip(edges, edges[1:], strict=False))


def _spread(places: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    """At most `MOST_PIECES` of the places, evenly over all of them."""
    if len(places) <= MOST_PIECES:
        return places
    chosen = np.linspace(0, len(places) - 1, MOST_PIECES).round().astype(int)
    return [places[index] for index in chosen.tolist()]


def _voice_of(heard: Heard, part: Sequence[float], embed: Embed) -> np.ndarray:
    """The embedding of a part of a recording, of length one."""
    return _unit(embed(heard.sound[round(part[0] * RATE) : round(part[1] * RATE)], RATE))


def _groups(embeddings: np.ndarray) -> list[list[int]]:
    """Put pieces that sound alike together, the most alike first; the largest group first."""
    likeness = embeddings @ embeddings.T
    groups = [[index] for index in range(len(embeddings))]
    while len(groups) > 1:
        pairs = list(combinations(range(len(groups)), 2))
        means = [float(likeness[np.ix_(groups[one], groups[other])].mean()) for one, other in pairs]
        best = int(np.argmax(means))
        if means[best] < SAME_SPEAKER:
            break
        one, other = pairs[best]
        groups[one] = groups[one] + groups.pop(other)
    return sorted(groups, key=len, reverse=True)


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
