"""The flags that say how a text is spoken, and the kinds of values that flags have."""

import argparse
from typing import Any

STAGES = ("semantic", "coarse", "fine")

KNOBS = ("temperature", "top_k", "top_p")
PLAIN_CONTROLS = (
    "min_eos_p", "max_seconds", "pause_seconds", "condition_on_previous", "greedy", "seed",
    "verify", "verify_tries", "guard_drift",
)  # fmt: skip


def add_controls(controls: "argparse._ArgumentGroup") -> None:
    """Declare a flag for each control."""
    controls.add_argument(
        "--greedy", action="store_true", default=None, help="the likeliest token at every stage"
    )
    for stage in STAGES:
        for knob in KNOBS:
            flag = f"--{stage}-{knob.replace('_', '-')}"
            kind = whole_number if knob == "top_k" else number
            controls.add_argument(flag, type=kind, metavar="X", help=f"{knob} of the stage")
    controls.add_argument(
        "--min-eos-p", type=number, metavar="P", help="a part ends when its end is this likely"
    )
    controls.add_argument(
        "--max-seconds", type=number, metavar="S", help="the longest that one part may last"
    )
    controls.add_argument(
        "--pause-seconds", type=number, metavar="S", help="silence between the parts of a long text"
    )
    controls.add_argument(
        "--condition-on-previous",
        action="store_true",
        default=None,
        help="each part continues the one before it instead of the voice",
    )
    controls.add_argument(
        "--verify",
        action="store_true",
        default=None,
        help="hear each part, cut what follows its last word, speak it again when it is wrong",
    )
    controls.add_argument(
        "--guard-drift",
        action="store_true",
        default=None,
        help="compare each part with the voice, speak it again when it drifts away",
    )
    controls.add_argument(
        "--verify-tries",
        type=whole_number,
        metavar="N",
        help="how often a part may be spoken by --verify and --guard-drift",
    )


def chosen_controls(arguments: argparse.Namespace) -> dict[str, Any]:
    """The controls that were given as flags, in the form of `SpeechControls.to_json`."""
    chosen = {name: getattr(arguments, name) for name in PLAIN_CONTROLS}
    for stage in STAGES:
        values = {knob: getattr(arguments, f"{stage}_{knob}") for knob in KNOBS}
        chosen[stage] = {knob: value for knob, value in values.items() if value is not None} or None
    return {name: value for name, value in chosen.items() if value is not None}


def whole_number(text: str) -> int:
    """Read a flag's value.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a whole number") from None


def number(text: str) -> float:
    """Read a flag's value.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a number") from None
