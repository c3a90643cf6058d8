"""What is known of a text before it is spoken: how long it is, and about how long it takes."""

import threading

from webui.synthesis.chunking import estimate_seconds
from webui.ui.messages import plain, time_words

NEWEST_COUNTS = 0.3  # of what is remembered, how much the last speech says


class Pace:
    """How long families need for a second of speech here, as the last speeches have told."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}
        self._lock = threading.Lock()

    def learn(self, family: str, spoken_seconds: float, compute_seconds: float) -> None:
        """Take a finished speech into account."""
        if spoken_seconds <= 0 or compute_seconds <= 0:
            return
        new = compute_seconds / spoken_seconds
        with self._lock:
            old = self._known.get(family, new)
            self._known[family] = old + NEWEST_COUNTS * (new - old)

    def work_seconds(self, family: str, spoken_seconds: float) -> float | None:
        """About how long a speech will take; None while nothing is known of the family."""
        with self._lock:
            pace = self._known.get(family)
        return None if pace is None else pace * spoken_seconds


def text_facts(text: object, family: object, limit: int, pace: Pace) -> str:
    """Say in a line how long a text is, how long its speech, and how long it takes to make."""
    if not isinstance(text, str) or not text.strip():
        return ""
    seconds = estimate_seconds(text[:limit])
    parts = [f"{len(text):,} of {limit:,} characters"]
    if len(text) > limit:
        return plain(f"{parts[0]}: too long to be spoken at once")
    parts.append(f"about {time_words(seconds)} of speech")
    work = pace.work_seconds(str(family), seconds)
    if work is not None:
        parts.append(f"about {time_words(work)} of work here")
    return plain(" · ".join(parts))
