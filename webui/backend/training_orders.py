"""An order to make a quantizer, checked and turned into numbered texts and voices."""

import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Literal

from webui.arrays import Speaker
from webui.backend.facts import VoiceInfo
from webui.backend.requests import TrainingOrder
from webui.errors import SettingsError, TrainingError, VoiceNotFoundError
from webui.family import FamilyConfig
from webui.synthesis.controls import MAX_SEED
from webui.training_results import ARCHITECTURES
from webui.voice_names import MAX_NAME_CHARACTERS, slug

if TYPE_CHECKING:
    from webui.training.pairs import NumberedText

LEAST_TEXTS, MOST_TEXTS = 20, 20_000
MOST_CORPUS_CHARACTERS = 20_000_000
MOST_EPOCHS = 1_000
MOST_VOICES = 24  # of the family's own, when nobody chooses
LONGEST_SECONDS, LONGEST_CHARACTERS = 10.0, 120  # of a text that is spoken
SAMPLE_CHARACTERS = 2_000  # of a text tell how long its letters last
NOBODY = ""  # the name of no voice at all


def check_training_order(order: TrainingOrder) -> None:
    """Refuse what cannot be done, before anything is computed.

    Raises:
        TrainingError: it has no usable name.
        SettingsError: a number is outside its range.
    """
    check_training_name(order.name)
    bounds = {
        "number of texts": (order.texts, LEAST_TEXTS, MOST_TEXTS),
        "temperature": (order.temperature, 0.1, 1.5),
        "seed": (order.seed, 0, MAX_SEED),
        "number of epochs": (1 if order.epochs is None else order.epochs, 1, MOST_EPOCHS),
    }
    for what, (value, least, most) in bounds.items():
        if not least <= value <= most:  # NaN is refused too
            raise SettingsError(f"The {what} is {value:g}; it must be from {least:g} to {most:,}.")
    if order.architecture not in ARCHITECTURES:
        raise SettingsError(f"There are the architectures {', '.join(ARCHITECTURES)}.")
    if order.corpus is not None and len(order.corpus) > MOST_CORPUS_CHARACTERS:
        raise SettingsError(
            f"The text has {len(order.corpus):,} characters; {MOST_CORPUS_CHARACTERS:,} are the "
            "limit. A hundred pages are plenty."
        )


def check_training_name(text: str) -> str:
    """Give a name as it is kept: outer spaces gone, inner ones single.

    Raises:
        TrainingError: it is empty, too long, or holds characters that are not seen.
    """
    name = " ".join(unicodedata.normalize("NFC", text[: 16 * MAX_NAME_CHARACTERS]).split())
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise TrainingError(
            f"Give the quantizer a name of 1 to {MAX_NAME_CHARACTERS} characters, such as German 1."
        )
    if any(unicodedata.category(letter)[0] == "C" for letter in name):
        raise TrainingError("This name holds characters that are not seen. Type it by hand.")
    return name


def free_id(name: str, taken: Collection[str]) -> str:
    """Turn a name into an id that is not taken: plain letters, digits and hyphens."""
    made = slug(name)
    made = "quantizer" if made == "voice" else made
    if made not in taken:
        return made
    return next(
        f"{made}-{number}" for number in range(2, len(taken) + 3) if f"{made}-{number}" not in taken
    )


def chosen_voices(
    order: TrainingOrder, known: Sequence[VoiceInfo], read: Callable[[str], Speaker]
) -> dict[str, Speaker]:
    """Choose the voices that speak, by names that are all different.

    Args:
        order: names them by their ids, or leaves the choice to the app: the family's own ones, of
            the language where it has some.
        known: the voices that the family can use.
        read: gives the arrays of a voice by its id.

    Raises:
        VoiceNotFoundError: one is not there, or of another family.
        SpeakerFileError: the file of one is broken.
    """
    if order.voices is None:
        own = [each for each in known if each.source != "own" and each.broken is None]
        fitting = [each for each in own if each.language == order.language] or own
        infos = fitting[:MOST_VOICES]
    else:
        by_id = {each.id: each for each in known}
        missing = next((each for each in order.voices if each not in by_id), None)
        if missing is not None:
            raise VoiceNotFoundError(f'The voice "{missing[:64]}" is not there for this family.')
        infos = [by_id[each] for each in dict.fromkeys(order.voices)]
    names = [each.name for each in infos]
    return {
        (each.name if names.count(each.name) == 1 else each.id): read(each.id) for each in infos
    }


def numbered_texts(
    order: TrainingOrder, config: FamilyConfig, voices: dict[str, Speaker]
) -> "list[NumberedText]":
    """Make up the texts, and say who speaks which: every voice as often, and nobody as often too.

    They are as long as the family says well in one go.

    Raises:
        UserError: there is no built-in text of the language, or the user's is too short.
    """
    from webui.synthesis.rendering import seed_of
    from webui.training.nonsense import NonsenseText, characters_for, corpus
    from webui.training.pairs import NumberedText

    text = corpus(order.language) if order.corpus is None else order.corpus
    seconds = min(config.chunk_seconds or LONGEST_SECONDS, LONGEST_SECONDS)
    longest = min(LONGEST_CHARACTERS, characters_for(text[:SAMPLE_CHARACTERS], seconds))
    units: Literal["word", "character"] = "character" if order.by_letter else "word"
    made = NonsenseText(text, units, order.seed, max(1, longest // 4), longest)
    speakers = [*voices, NOBODY]
    return [
        NumberedText(
            number,
            each,
            seed_of(order.seed, "pair", number),
            speakers[number % len(speakers)],
            voices.get(speakers[number % len(speakers)]),
        )
        for number, each in enumerate(made.texts(order.texts))
    ]
