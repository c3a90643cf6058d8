"""How good a clone is, in words and tables that a visitor reads."""

from collections.abc import Sequence

from webui.clone_results import CloneCandidate, CloneReport, SentenceHeard, SoundFacts
from webui.ui.clone_check import window_words
from webui.ui.messages import METHODS, plain

RANKING_HEAD = ["No.", "Clone", "Alike", "Words"]
CLOSENESS = {"close": "close", "somewhat": "somewhat", "far": "not close"}
UNKNOWN = "–"
NO_REPORT = "Nothing was measured of this clone. Listen to it."


def candidate_label(candidates: Sequence[CloneCandidate], index: int) -> str:
    """Name a clone by its place, its method, and what else sets it apart."""
    candidate = candidates[index]
    words = [f"{index + 1}. {METHODS.get(candidate.method, candidate.method)}"]
    if len({_place(each) for each in candidates}) > 1:
        words.append(f"{candidate.window.start_seconds:.1f}–{candidate.window.end_seconds:.1f} s")
    take = _take(candidates, candidate)
    return " · ".join([*words, take] if take else words)


def ranking_rows(candidates: Sequence[CloneCandidate]) -> list[list[str]]:
    """The table of all clones, the best one first."""
    rows = []
    for index, candidate in enumerate(candidates):
        report = candidate.report
        number, name = candidate_label(candidates, index).split(". ", 1)
        words = _percent(report.words_right if report else None)
        rows.append([number, name, _likeness(report), words])
    return rows


def verdict_words(candidate: CloneCandidate) -> str:
    """What the report says in a sentence, then the number beside the recording's own."""
    report = candidate.report
    if report is None:
        return NO_REPORT
    lines = [f"**{plain(report.verdict)}**"]
    if report.similarity is not None:
        against = (
            "" if report.ceiling is None else f"; the recording itself reaches {report.ceiling:.2f}"
        )
        lines.append(plain(f"Likeness {report.similarity:.2f} of 1{against}."))
    return "  \n".join(lines)


def report_words(candidate: CloneCandidate) -> str:
    """The whole report as markdown: sentences, measurements, what was done without being asked."""
    report = candidate.report
    if report is None:
        return NO_REPORT
    parts = ["### What was said", *(_sentence(each) for each in report.sentences)]
    parts += ["", "### Recording and clone", *_facts_table(report.reference, report.clone)]
    parts += ["", "### How it was made", plain(_made(candidate))]
    parts += [f"- {plain(note)}" for note in candidate.notes]
    return "\n".join(parts)


def _sentence(sentence: SentenceHeard) -> str:
    asked = plain(sentence.asked)
    if sentence.heard is None or sentence.words_right is None:
        return f"- “{asked}” (nothing here recognises this language, so listen)"
    if sentence.words_right >= 1:
        return f"- “{asked}”: every word was heard"
    heard = f"“{plain(sentence.heard)}”" if sentence.heard.strip() else "nothing"
    return f"- “{asked}”: {_percent(sentence.words_right)} of the words; heard: {heard}"


def _facts_table(reference: SoundFacts, clone: SoundFacts) -> list[str]:
    rows = [
        ("Length", f"{reference.seconds:.1f} s", f"{clone.seconds:.1f} s"),
        ("Level", _decibel(reference.level_db), _decibel(clone.level_db)),
        ("Noise below the speech", _decibel(reference.noise_db), _decibel(clone.noise_db)),
        ("Silence", _percent(reference.silence_share), _percent(clone.silence_share)),
        ("Syllables a second", _pace(reference), _pace(clone)),
        ("Pitch", _pitch(reference), _pitch(clone)),
    ]
    lines = ["| What | Recording | Clone |", "|---|---|---|"]
    return lines + [f"| {name} | {plain(left)} | {plain(right)} |" for name, left, right in rows]


def _made(candidate: CloneCandidate) -> str:
    words = [
        METHODS.get(candidate.method, candidate.method),
        f"from {window_words(candidate.window)}",
        f"seed {candidate.seed}",
        f"{candidate.seconds:.1f} s of work",
    ]
    return ", ".join(words) + "."


def _place(candidate: CloneCandidate) -> tuple[int, float, float]:
    window = candidate.window
    return window.recording, window.start_seconds, window.end_seconds


def _take(candidates: Sequence[CloneCandidate], candidate: CloneCandidate) -> str:
    """Which of several tries at the same thing this is; empty where there was one."""
    kind = candidate.method, _place(candidate)
    alike = [each for each in candidates if (each.method, _place(each)) == kind]
    alike.sort(key=lambda each: each.seed)
    return f"take {alike.index(candidate) + 1}" if len(alike) > 1 else ""


def _likeness(report: CloneReport | None) -> str:
    if report is None or report.similarity is None:
        return UNKNOWN
    return f"{report.similarity:.2f} · {CLOSENESS.get(report.closeness, report.closeness)}"


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"


def _decibel(value: float) -> str:
    sign = "−" if value < 0 else ""
    return f"{sign}{abs(value):.0f} dB"


def _pace(facts: SoundFacts) -> str:
    return UNKNOWN if facts.syllables_per_second is None else f"{facts.syllables_per_second:.1f}"


def _pitch(facts: SoundFacts) -> str:
    if facts.pitch_hz is None:
        return UNKNOWN
    words = f"{facts.pitch_hz:.0f} Hz"
    if facts.pitch_low_hz is not None and facts.pitch_high_hz is not None:
        words += f" ({facts.pitch_low_hz:.0f}–{facts.pitch_high_hz:.0f})"
    return words
