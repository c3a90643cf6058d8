"""What a user can set about a speech, with Bark's own values as the defaults."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from webui.errors import SettingsError

MAX_SEED = 2**32 - 1
MAX_TAKES = 8
MAX_TRIES = 8
MAX_REPEATED_CHARACTERS = 40  # of a wrong value, in the message about it


@dataclass(frozen=True)
class StageControls:
    """How one stage picks its tokens.

    `top_k` 0 and `top_p` 1.0 leave all tokens in the game.
    """

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 1.0

    def validated(self, stage: str) -> "StageControls":
        """Refuse values that no stage can work with.

        Raises:
            SettingsError: a value is outside its range, named with the stage.
        """
        _check(self.temperature, 0.0, 2.0, f"The {stage} temperature")
        _check(self.top_k, 0, 100_000, f"The {stage} top-k")
        _check(self.top_p, 0.01, 1.0, f"The {stage} top-p")
        return self


@dataclass(frozen=True)
class SpeechControls:
    """Everything that, with the text, the voice and the family, decides what a speech sounds like.

    Temperatures are Bark's defaults (suno-ai/bark, api.py and generation.py).
    """

    semantic: StageControls = field(default_factory=StageControls)
    coarse: StageControls = field(default_factory=StageControls)
    fine: StageControls = field(default_factory=lambda: StageControls(temperature=0.5))
    min_eos_p: float = 0.2  # the text stage ends when the end is at least this likely
    max_seconds: float = 15.0  # of one chunk; never more than the family can
    seed: int | None = None  # None: a new one, told in the result
    greedy: bool = False  # the likeliest token at every stage
    pause_seconds: float = 0.25  # between chunks
    condition_on_previous: bool = False  # each chunk continues the one before instead of the voice
    takes: int = 1
    verify: bool = False  # each chunk is heard, and spoken again when it says something else
    verify_tries: int = 3  # how often a chunk may be spoken, by `verify` and by `guard_drift`
    guard_drift: bool = False  # each chunk is compared with the voice

    def validated(self) -> "SpeechControls":
        """Refuse values that cannot work.

        Raises:
            SettingsError: names the first value that is outside its range.
        """
        self.semantic.validated("text")
        self.coarse.validated("coarse")
        self.fine.validated("fine")
        _check(self.min_eos_p, 0.01, 1.0, "The end-of-speech threshold")
        _check(self.max_seconds, 0.5, 60.0, "The longest chunk")
        _check(self.pause_seconds, 0.0, 5.0, "The pause")
        _check(self.takes, 1, MAX_TAKES, "The number of takes")
        _check(self.verify_tries, 1, MAX_TRIES, "The number of tries")
        if self.seed is not None:
            _check(self.seed, 0, MAX_SEED, "The seed")
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain values for a file's metadata."""
        return asdict(self)


def controls_from_json(
    values: Mapping[str, Any], base: SpeechControls | None = None
) -> SpeechControls:
    """Read what `to_json` gave, or any part of it; what is not named stays as in `base`.

    Raises:
        SettingsError: an unknown name, or a value of the wrong kind or outside its range.
    """
    controls = base or SpeechControls()
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in {entry.name for entry in fields(SpeechControls)}:
            raise SettingsError(f"There is no control named {_cut(name)}.")
        before = getattr(controls, name)
        if isinstance(before, StageControls):
            changes[name] = _stage_from_json(name, value, before)
        else:
            changes[name] = _of_kind(name, value, 0 if name == "seed" else before)
    return replace(controls, **changes).validated()


def _stage_from_json(stage: str, values: object, base: StageControls) -> StageControls:
    known = {entry.name for entry in fields(StageControls)}
    if not isinstance(values, Mapping) or not set(values) <= known:
        raise SettingsError(
            f'The controls of the stage "{stage}" are temperature, top_k and top_p.'
        )
    changes = {
        name: _of_kind(f"{stage} {name}", value, getattr(base, name))
        for name, value in values.items()
    }
    return replace(base, **changes)


def _of_kind(name: str, value: object, example: object) -> Any:  # noqa: ANN401  (a JSON value)
    """`value`, if it is of the kind of `example`; a whole number is a number too."""
    if isinstance(example, bool):
        is_right = isinstance(value, bool)
    elif isinstance(example, int):
        is_right = isinstance(value, int) and not isinstance(value, bool)
        is_right = is_right or (name == "seed" and value is None)
    else:
        is_right = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_right:
        raise SettingsError(f'The control "{name}" cannot be {_cut(value)}.')
    return value


def _check(value: float, low: float, high: float, name: str) -> None:
    wrong_kind = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong_kind or not low <= value <= high:  # a value that is no number lies nowhere
        raise SettingsError(f"{name} is {_cut(value)}; it must lie between {low:g} and {high:g}.")


def _cut(value: object) -> str:
    """A stranger's value as a message may repeat it."""
    shown = repr(value)
    return shown if len(shown) <= MAX_REPEATED_CHARACTERS else f"{shown[:MAX_REPEATED_CHARACTERS]}…"
