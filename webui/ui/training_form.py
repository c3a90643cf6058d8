"""What the owner filled in on the Train tab, and what it asks of the service."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from webui.backend.requests import TrainingOrder
from webui.backend.training_orders import check_training_name
from webui.errors import SettingsError, StorageError, TrainingError, UserError
from webui.training_results import ARCHITECTURES
from webui.ui.form_values import number_between, ticked
from webui.ui.messages import LANGUAGES
from webui.ui.studio import Studio

AMOUNTS = (("Quick: 500 texts", 500), ("Good: 1,500 texts", 1_500), ("Best: 3,000 texts", 3_000))
DEFAULT_TEXTS = 1_500
MAX_SEED = 2**32 - 1
MAX_LAYER = 999  # how many an encoder really has is asked when the training begins
MAX_TEXT_BYTES = 20_000_000
NO_NAME = "Give it a name, such as German 1."


@dataclass(frozen=True)
class TrainingForm:
    """The widgets' values in the order in which the tab lists them, not yet trusted."""

    name: object
    language: object
    texts: object
    family: object
    voices: object
    silent: object  # without any voice
    corpus: object
    by_letter: object
    temperature: object
    architecture: object
    augment: object
    seed: object
    layer: object

    def problems(self) -> dict[str, str]:
        """What is missing, by the field beside which it is to be said."""
        try:
            self.training_name()
        except UserError as fault:
            return {"name": str(fault)}
        return {}

    def training_name(self) -> str:
        """The name as it is kept.

        Raises:
            TrainingError: it is missing or cannot be used.
        """
        if not isinstance(self.name, str) or not self.name.strip():
            raise TrainingError(NO_NAME)
        return check_training_name(self.name)

    def order(self, studio: Studio) -> TrainingOrder:
        """Check every value as if there were no browser, and say what is to be made.

        Raises:
            UserError: names the first value that cannot be used.
        """
        family = studio.speaking_family(self.family).id
        return TrainingOrder(
            name=self.training_name(),
            family=family,
            language=_one_of(self.language, LANGUAGES, "language"),
            texts=int(_one_of(self.texts, [count for _, count in AMOUNTS], "amount")),
            corpus=self._corpus(),
            by_letter=ticked(self.by_letter),
            voices=self._voices(studio, family),
            temperature=number_between(self.temperature, 0.1, 1.5, "boldness"),
            seed=int(number_between(self.seed, 0, MAX_SEED, "seed")),
            architecture=_one_of(self.architecture, ARCHITECTURES, "kind"),
            augment=ticked(self.augment),
            layer=self._layer(),
        )

    def _voices(self, studio: Studio, family: str) -> tuple[str, ...] | None:
        """The chosen voices; None leaves the choice to the app."""
        if ticked(self.silent):
            return ()
        given = self.voices if isinstance(self.voices, list | tuple) else []
        chosen = [studio.visible_voice(each, family).id for each in given]
        return tuple(chosen) or None

    def _layer(self) -> int | None:
        """The layer of the encoder; an empty field leaves the choice to the family."""
        if self.layer is None:
            return None
        return int(number_between(self.layer, 1, MAX_LAYER, "layer"))

    def _corpus(self) -> str | None:
        """The text of the uploaded file.

        Raises:
            SettingsError: it is too large, or no text in UTF-8.
            StorageError: it cannot be read.
        """
        if not isinstance(self.corpus, str) or not self.corpus:
            return None
        path = Path(self.corpus)
        try:
            if path.stat().st_size > MAX_TEXT_BYTES:
                raise SettingsError("This text is too large. A hundred pages are plenty.")
            return path.read_text("utf-8-sig")
        except UnicodeDecodeError as fault:
            raise SettingsError("This file is no text in UTF-8. Save it as one.") from fault
        except OSError as fault:
            raise StorageError("This text is no longer there. Drop it once more.") from fault


TRAINING_FIELDS = tuple(entry.name for entry in fields(TrainingForm))


def _one_of(value: object, known: Any, what: str) -> Any:  # noqa: ANN401  (one of those known)
    for each in known:
        if value == each and not isinstance(value, bool):
            return each
    raise SettingsError(f"This {what} is not known. Choose another one.")
