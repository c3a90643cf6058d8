"""What a cloning order comes to: which parts, which clones, in which steps; and what failed."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from webui.backend.requests import CloneOrder
from webui.clone_results import CloneCandidate, Method, Recording, RecordingCheck, Window
from webui.errors import AudioFileError, CloneError, UserError

LEAST_SECONDS = 1.0  # of a part that a voice is made of
MAX_SEED = 2**31 - 1
NAMES: dict[Method, str] = {
    "quantizer": "Method 2 (quantizer)",
    "transcript": "Method 1 (transcript)",
    "conversion": "Method 3 (conversion)",
}


@dataclass(frozen=True)
class Attempt:
    """One clone that shall be made."""

    number: int
    method: Method
    window: Window
    seed: int


def attempts_of(
    order: CloneOrder, methods: Sequence[Method], windows: Sequence[Window]
) -> list[Attempt]:
    """Every method on every part; where chance plays a part, several times."""
    first = secrets.randbelow(MAX_SEED) if order.seed is None else order.seed
    wanted = [
        (method, window, first + take)
        for method in methods
        for window in windows
        for take in range(1 if method == "quantizer" else order.takes)
    ]
    return [Attempt(number, *each) for number, each in enumerate(wanted)]


def steps_of(order: CloneOrder, attempts: Sequence[Attempt]) -> list[str]:
    """The kinds of steps of a whole job, for its pace."""
    after = ("report",) * order.endings if order.report else ()
    return ["check", "load", *(step for each in attempts for step in (each.method, *after))]


def chosen_windows(
    order: CloneOrder, recordings: Sequence[Recording], check: RecordingCheck
) -> list[Window]:
    """Give the user's own part, or the best ones.

    Raises:
        AudioFileError: the part lies outside, or there is none that is good enough.
    """
    if order.window is None:
        if not check.windows:
            raise AudioFileError(
                "No part of this recording has enough clear speech. Record 6 to 12 s of one person."
            )
        return list(check.windows[: max(1, order.windows)])
    first, last = order.window
    start, end = max(0.0, first), min(recordings[0].seconds, last)
    if not (last - first >= LEAST_SECONDS and end - start >= LEAST_SECONDS):  # NaN is neither
        raise AudioFileError(
            f"The part from {first:.1f} to {last:.1f} s is shorter than "
            f"{LEAST_SECONDS:.0f} s or outside the recording, which has "
            f"{recordings[0].seconds:.1f} s. Choose another one."
        )
    return [Window(start, end, 1.0)]


def all_failed(faults: Mapping[Method, UserError]) -> str:
    """Say why there is no clone at all."""
    if len(faults) == 1:
        return str(next(iter(faults.values())))
    return " ".join(f"{NAMES[method]}: {fault}" for method, fault in faults.items())


def with_failures(
    faults: Mapping[Method, UserError], made: Sequence[CloneCandidate]
) -> list[CloneCandidate]:
    """Note at the best clone which others failed.

    Raises:
        CloneError: all of them did.
    """
    if not made:
        raise CloneError(all_failed(faults))
    best = replace(made[0], notes=(*made[0].notes, *failures_told(faults, made)))
    return [best, *made[1:]]


def failures_told(
    faults: Mapping[Method, UserError], made: Sequence[CloneCandidate]
) -> Iterator[str]:
    """Say which methods failed while others succeeded."""
    for method, fault in faults.items():
        where = " for a part" if any(each.method == method for each in made) else ""
        yield f"{NAMES[method]} failed{where}: {fault}"
