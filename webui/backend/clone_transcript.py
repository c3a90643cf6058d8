"""Which of the words of a recording are said in a part of it."""

from collections.abc import Sequence

Span = tuple[float, float]
ALL_OF_IT = 0.9  # of the speech in a part: then its words are all words


def words_within(transcript: str, spans: Sequence[Span], part: Span) -> str:
    """Cut a transcript of a whole recording to a part of it, by the time that words take.

    Letters are taken to be spoken at one pace while there is speech, which is true enough for a
    few seconds. A word belongs to the part if its middle does.

    Args:
        transcript: all that is said in the recording.
        spans: where there is speech, in seconds.
        part: start and end of the part, in seconds.
    """
    words = transcript.split()
    total = sum(end - start for start, end in spans)
    inside = _speech_before(spans, part[1]) - _speech_before(spans, part[0])
    if not words or total <= 0 or inside >= ALL_OF_IT * total:
        return " ".join(words)
    first, last = _speech_before(spans, part[0]) / total, _speech_before(spans, part[1]) / total
    letters = sum(len(word) + 1 for word in words)
    kept, before = [], 0
    for word in words:
        if first <= (before + (len(word) + 1) / 2) / letters < last:
            kept.append(word)
        before += len(word) + 1
    return " ".join(kept)


def _speech_before(spans: Sequence[Span], moment: float) -> float:
    """Seconds of speech before a moment."""
    return sum(max(0.0, min(end, moment) - start) for start, end in spans)
