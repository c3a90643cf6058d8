"""A recording before it is cloned: what is wrong with it, and which part of it to use."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from webui.arrays import OtherWaveform
from webui.audio import resample
from webui.clone_results import Finding, Recording, RecordingCheck, Window
from webui.cloning.denoising import denoise
from webui.cloning.findings import (
    SEVERAL_SPEAKERS_WORDS,
    abrupt_end,
    findings_of,
    joined,
    little_speech,
)
from webui.cloning.levels import normalise_level
from webui.cloning.listening import SILENCE_DB, Heard, listen
from webui.cloning.speakers_heard import (
    ANOTHER_SPEAKER,
    MOST_CHECKED,
    Embed,
    SpeakersHeard,
    has_others,
    sounds_like_others,
    tell_speakers,
)
from webui.cloning.speech_detection import Spans, detect_speech
from webui.cloning.windows import MOST_WINDOWS, distinct, find_windows

__all__ = ["check_recordings", "cut", "denoise", "detect_speech", "normalise_level"]

EDGE_SECONDS = 0.05  # around a window is resampled with it, so that its edges are exact
FADE_SECONDS = 0.005  # at both edges of a cut, against clicks


def check_recordings(recordings: Sequence[Recording], embed: Embed | None) -> RecordingCheck:
    """Tell what is wrong with some recordings of one speaker, and rank the parts to clone from.

    Spans of several recordings are counted as if these lay end to end; the seconds of a window
    are those of its own recording. A minute takes about 0.4 s, without `embed`.

    Args:
        recordings: all of the same speaker.
        embed: a speaker encoder for waveform and rate; None leaves out the search for a second
            speaker.

    Raises:
        CheckpointError: the speech detector's weights are missing.
    """
    if not recordings:
        words = "There is no recording yet; record or upload one first."
        return _summary([], (), (Finding("short", words, is_fatal=True),))
    heard = [listen(each.waveform, each.rate) for each in recordings]
    found = [findings_of(each) for each in heard]
    names = [each.name or f"Recording {index + 1}" for index, each in enumerate(recordings)]
    findings = joined(found, names)
    useless = [any(finding.is_fatal for finding in each) for each in found]
    usable = [
        replace(each, spans=()) if is_useless else each
        for each, is_useless in zip(heard, useless, strict=True)
    ]
    if all(useless):
        return _summary(heard, (), tuple(findings))
    speakers = tell_speakers(usable, embed)
    windows = _windows(usable, speakers, embed)
    further = (
        little_speech(sum(each.speech_seconds for each in usable)),
        Finding("several_speakers", SEVERAL_SPEAKERS_WORDS) if speakers.are_several else None,
        abrupt_end(windows[0], usable[windows[0].recording]),
    )
    findings += [finding for finding in further if finding]
    return _summary(heard, windows, tuple(findings))


def cut(recordings: Sequence[Recording], window: Window, rate: int) -> OtherWaveform:
    """Cut a window out of its recording, resampled from the original."""
    recording = recordings[window.recording]
    start = max(0.0, window.start_seconds)
    end = min(recording.seconds, window.end_seconds)
    first = max(0, round((start - EDGE_SECONDS) * recording.rate))
    last = min(len(recording.waveform), round((end + EDGE_SECONDS) * recording.rate))
    sound = resample(recording.waveform[first:last], recording.rate, rate)
    skipped = round((start - first / recording.rate) * rate)
    piece = sound[skipped : skipped + round((end - start) * rate)].astype(np.float32)
    fade = min(round(FADE_SECONDS * rate), len(piece) // 2)
    rise = np.linspace(0, 1, fade, dtype=np.float32)
    piece[:fade] *= rise
    piece[len(piece) - fade :] *= rise[::-1]
    return piece


def _windows(
    heard: Sequence[Heard], speakers: SpeakersHeard, embed: Embed | None
) -> tuple[Window, ...]:
    """The best windows; with several speakers, those of the main one first."""
    ranked = find_windows(heard)
    if embed is None or not speakers.are_several:
        return distinct(ranked)
    ranked = _best_first([_weakened(each, has_others(each, speakers)) for each in ranked])
    judged = [
        _weakened(each, sounds_like_others(each, heard[each.recording], speakers, embed))
        for each in distinct(ranked, MOST_CHECKED)
    ]
    return tuple(_best_first(judged))[:MOST_WINDOWS]


def _weakened(window: Window, is_mixed: bool) -> Window:
    """The window, with a lower score where others than the main speaker are heard."""
    return replace(window, score=round(window.score * ANOTHER_SPEAKER, 4)) if is_mixed else window


def _best_first(windows: Sequence[Window]) -> list[Window]:
    return sorted(windows, key=lambda window: -window.score)


def _summary(
    heard: Sequence[Heard], windows: tuple[Window, ...], findings: tuple[Finding, ...]
) -> RecordingCheck:
    """All recordings as one; what is measured of speech is weighed by how much there is."""
    seconds = sum(each.seconds for each in heard)
    spoken = sum(each.speech_seconds for each in heard)
    weights = [each.speech_seconds / spoken if spoken else 0.0 for each in heard]
    speaking = list(zip(weights, heard, strict=True))
    return RecordingCheck(
        seconds=seconds,
        speech_seconds=spoken,
        level_db=sum(weight * each.level_db for weight, each in speaking) if spoken else SILENCE_DB,
        noise_db=sum(weight * each.noise_db for weight, each in speaking),
        clipped_share=sum(weight * each.clipped_share for weight, each in speaking),
        spans=_end_to_end(heard),
        windows=windows,
        findings=findings,
    )


def _end_to_end(heard: Sequence[Heard]) -> Spans:
    """The spans of speech of all recordings, each counted from where the one before ended."""
    spans: list[tuple[float, float]] = []
    passed = 0.0
    for each in heard:
        spans += [(passed + start, passed + end) for start, end in each.spans]
        passed += each.seconds
    return tuple(spans)
