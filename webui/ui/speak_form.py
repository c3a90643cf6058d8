"""What a visitor filled in on the Text-to-Speech tab, and what it asks of the service."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from webui.backend.requests import SpeakOrder
from webui.errors import SettingsError, TextError
from webui.synthesis.controls import MAX_SEED, SpeechControls, StageControls
from webui.ui.form_values import check_characters, switched_on
from webui.ui.studio import ANY_VOICE, Studio

NEW_SEED = -1
STAGES = ("semantic", "coarse", "fine")
MAX_SAVED_CHARACTERS = 100_000


@dataclass(frozen=True)
class SpeakForm:
    """The widgets' values in the order in which the tab lists them, not yet trusted."""

    text: object
    voice: object
    family: object
    seed: object
    semantic_temperature: object
    semantic_top_k: object
    semantic_top_p: object
    coarse_temperature: object
    coarse_top_k: object
    coarse_top_p: object
    fine_temperature: object
    fine_top_k: object
    fine_top_p: object
    min_eos_p: object
    max_seconds: object
    pause_seconds: object
    condition_on_previous: object
    verify: object
    guard_drift: object
    verify_tries: object

    def order(self, studio: Studio) -> SpeakOrder:
        """Check every value as if there were no browser, and say what is to be spoken.

        Raises:
            UserError: names the first value that cannot be used.
        """
        text = _text(self.text, studio.settings.max_text_characters)
        family = studio.speaking_family(self.family)
        voice, language = studio.speaking_voice(self.voice, family)
        arrays = None if voice is None else studio.arrays_of(voice, family.id)
        voice_id = None if voice is None else voice.id
        return SpeakOrder(text, family.id, voice_id, self.controls(), language, arrays)

    def controls(self) -> SpeechControls:
        """The advanced values.

        Raises:
            SettingsError: names the first one of the wrong kind or outside its range.
        """
        return SpeechControls(
            semantic=self._stage("semantic"),
            coarse=self._stage("coarse"),
            fine=self._stage("fine"),
            min_eos_p=_number(self.min_eos_p, "The end-of-speech threshold"),
            max_seconds=_number(self.max_seconds, "The longest part"),
            pause_seconds=_number(self.pause_seconds, "The pause"),
            seed=_seed(self.seed),
            condition_on_previous=switched_on(
                self.condition_on_previous, "Continuing the part before"
            ),
            verify=switched_on(self.verify, "Checking the words"),
            guard_drift=switched_on(self.guard_drift, "Keeping the voice"),
            verify_tries=_whole(self.verify_tries, "The number of tries"),
        ).validated()

    def _stage(self, stage: str) -> StageControls:
        return StageControls(
            _number(getattr(self, f"{stage}_temperature"), f"The {stage} temperature"),
            _whole(getattr(self, f"{stage}_top_k"), f"The {stage} top-k"),
            _number(getattr(self, f"{stage}_top_p"), f"The {stage} top-p"),
        )

    def values(self) -> list[object]:
        """The values in the widgets' order."""
        return [getattr(self, entry.name) for entry in fields(self)]


FORM_FIELDS = tuple(entry.name for entry in fields(SpeakForm))


def form_of(order: SpeakOrder) -> SpeakForm:
    """Write an order back into the widgets: the same settings, the same sound."""
    family = order.family or ""
    return replace(
        with_controls(order.controls),
        text=order.text,
        voice=order.voice or ANY_VOICE,
        family=family,
    )


def with_controls(controls: SpeechControls) -> SpeakForm:
    """An empty form with these controls."""
    plain: dict[str, Any] = {}
    for stage in STAGES:
        for name, value in asdict(getattr(controls, stage)).items():
            plain[f"{stage}_{name}"] = value
    return SpeakForm(
        text="",
        voice=ANY_VOICE,
        family="",
        seed=NEW_SEED if controls.seed is None else controls.seed,
        min_eos_p=controls.min_eos_p,
        max_seconds=controls.max_seconds,
        pause_seconds=controls.pause_seconds,
        condition_on_previous=controls.condition_on_previous,
        verify=controls.verify,
        guard_drift=controls.guard_drift,
        verify_tries=controls.verify_tries,
        **plain,
    )


def restored(draft: object, studio: Studio) -> SpeakForm:
    """The form as a browser remembers it; what is unusable gives way to the family's values."""
    saved = draft if isinstance(draft, list) and len(draft) == len(FORM_FIELDS) else None
    family = studio.default_family()
    if saved is not None and saved[FORM_FIELDS.index("family")] in {
        each.id for each in studio.installed_families()
    }:
        family = str(saved[FORM_FIELDS.index("family")])
    fresh = with_controls(
        studio.service.recommended_controls(family) if family else SpeechControls()
    )
    fresh = replace(fresh, family=family)
    if saved is None:
        return fresh
    form = SpeakForm(*saved)
    text = form.text if isinstance(form.text, str) else ""
    fresh = replace(fresh, text=text[:MAX_SAVED_CHARACTERS])
    if form.voice in {voice.id for voice in studio.visible_voices(family) if not voice.broken}:
        fresh = replace(fresh, voice=form.voice)
    try:
        form.controls()
    except SettingsError:
        return fresh
    return replace(form, text=fresh.text, voice=fresh.voice, family=family)


def _text(value: object, limit: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TextError("Type something to speak first.")
    check_characters(len(value), limit)
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{name} must be a number.")
    try:
        return float(value)
    except OverflowError:
        raise SettingsError(f"{name} is larger than any number here.") from None


def _whole(value: object, name: str) -> int:
    number = _number(value, name)
    if not number.is_integer():
        raise SettingsError(f"{name} must be a whole number.")
    return int(number)


def _seed(value: object) -> int | None:
    if value is None:
        return None
    seed = _whole(value, "The seed")
    if not NEW_SEED <= seed <= MAX_SEED:
        raise SettingsError(f"The seed must lie between 0 and {MAX_SEED:,}; -1 makes a new one.")
    return None if seed == NEW_SEED else seed
