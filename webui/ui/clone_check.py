"""What is known of a visitor's recordings, in words, and which part of them is used."""

from dataclasses import dataclass

from webui.clone_results import Recording, RecordingCheck, Window
from webui.ui.clone_form import BEST_PART, OWN_PART
from webui.ui.clone_waveform import PARTS_SHOWN, draw_recording
from webui.ui.messages import plain

GOOD, SO_SO = 0.75, 0.5  # scores of parts, 0..1
NOISE_KINDS = frozenset({"noise", "music"})
ADVICE = """
**For a voice that is recognised at once**

- one person, in a quiet room, close to the microphone
- six to twelve seconds, spoken as the voice shall sound
- a pause at the end: wait a second before you stop
"""
CLEAN_HINT = "Tick “Clean the recording” below and listen whether it helps."


@dataclass(frozen=True, eq=False)
class CheckedClips:
    """Recordings that were looked at. It stays on our side: browsers do not send it."""

    recordings: tuple[Recording, ...]
    check: RecordingCheck

    @property
    def is_usable(self) -> bool:
        """Whether anything can be cloned from them."""
        return not any(finding.is_fatal for finding in self.check.findings)

    def window(self, part: object) -> Window:
        """The part by the value that a browser sent; the best one when it names none."""
        windows = self.check.windows
        if isinstance(part, str) and part.isdecimal() and int(part) < len(windows):
            return windows[int(part)]
        if windows:
            return windows[0]
        return Window(0.0, self.recordings[0].seconds, 0.0)

    def choices(self) -> list[tuple[str, str]]:
        """The parts to choose from: the app's own choice, the ranked ones, the visitor's own."""
        ranked = [
            (f"{number + 1}. {window_words(window, self.recordings)}", str(number))
            for number, window in enumerate(self.check.windows[:PARTS_SHOWN])
        ]
        return [("The best part", BEST_PART), *ranked, ("My own choice", OWN_PART)]

    def names(self) -> list[tuple[str, int]]:
        """The recordings to choose from."""
        return [
            (f"{number + 1}. {each.name[:40]} ({each.seconds:.1f} s)", number)
            for number, each in enumerate(self.recordings)
        ]

    def picture(self, which: int, start: float, end: float) -> str:
        """One recording with the part that is used, as SVG."""
        windows = tuple(each for each in self.check.windows if each.recording == which)
        return draw_recording(self.recordings[which], self._spans(which), windows, (start, end))

    def _spans(self, which: int) -> tuple[tuple[float, float], ...]:
        """The speech of one recording; the check counts as if they were end to end."""
        before = sum(each.seconds for each in self.recordings[:which])
        longest = self.recordings[which].seconds
        moved = (
            (max(low - before, 0), min(high - before, longest)) for low, high in self.check.spans
        )
        return tuple((low, high) for low, high in moved if low < high)

    def words(self) -> str:
        """The list of what is good and what is not, as markdown."""
        check = self.check
        fatal = [finding for finding in check.findings if finding.is_fatal]
        if fatal:
            return "\n".join(f"- ✗ **{plain(finding.words)}**" for finding in fatal)
        found = {finding.kind for finding in check.findings}
        lines = [] if "short" in found else [_length_words(self.recordings, check)]
        if not found & {"quiet", "clipped"}:
            lines.append(
                f"✓ Loud enough ({_decibel(check.level_db)} of full scale) and not overdriven"
            )
        if not found & NOISE_KINDS:
            lines.append(f"✓ Quiet background ({check.noise_db:.0f} dB below the speech)")
        if "abrupt_end" not in found and self.window(BEST_PART).ends_in_pause:
            lines.append("✓ The best part ends in a pause")
        lines = [plain(line) for line in lines]
        for finding in check.findings:
            hint = f" {CLEAN_HINT}" if finding.kind == "noise" else ""
            lines.append(f"! **{plain(finding.words)}**{hint}")
        return "\n".join(f"- {line}" for line in lines)


def window_words(window: Window, recordings: tuple[Recording, ...] = ()) -> str:
    """Name a part by its place and say how good it is."""
    words = f"{window.start_seconds:.1f}–{window.end_seconds:.1f} s"
    if len(recordings) > 1:
        words += f" of recording {window.recording + 1}"
    grade = "good" if window.score >= GOOD else "usable" if window.score >= SO_SO else "poor"
    pause = ", ends in a pause" if window.ends_in_pause else ""
    return f"{words} · {grade}{pause}"


def _length_words(recordings: tuple[Recording, ...], check: RecordingCheck) -> str:
    many = f"{len(recordings)} recordings, " if len(recordings) > 1 else ""
    return f"✓ {many}{check.seconds:.1f} s, {check.speech_seconds:.1f} s of it speech"


def _decibel(value: float) -> str:
    return f"{abs(value):.0f} dB" if value >= 0 else f"−{abs(value):.0f} dB"
