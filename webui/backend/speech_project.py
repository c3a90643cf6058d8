"""An order to speak -> a project of one chapter, whose cards sound as the speech would."""

import secrets

from webui.backend.project_beginning import DEFAULT_LANGUAGE, ProjectStock
from webui.backend.project_store import StoredCard, StoredChapter, StoredProject
from webui.backend.project_view import voice_print
from webui.backend.requests import SpeakOrder
from webui.errors import ProjectError
from webui.family import FamilyConfig
from webui.synthesis.chunking import TextChunk, chunk_limits, split_into_chunks
from webui.synthesis.controls import MAX_SEED, SpeechControls
from webui.synthesis.text import load_tokenizer, normalise


def begin_speech(name: str, order: SpeakOrder, stock: ProjectStock) -> StoredProject:
    """Cut a text as a speech is cut, each card with the seed that its chunk would have.

    Raises:
        ProjectError: the sentences would hang together, so that none can be spoken alone.
        TextError: there is nothing to say.
        UserError: the family or the voice is not there, or a control is out of range.
    """
    from webui.synthesis.rendering import chunk_seed

    config = stock.whole(order.family)
    controls, voice = order.controls.validated(), order.voice
    language = order.language or DEFAULT_LANGUAGE
    chunks = _chunks(config, order.text, controls, language)
    if len(chunks) > 1:
        _refuse_what_hangs_together(config, controls, voice)
    seed = secrets.randbelow(MAX_SEED + 1) if controls.seed is None else controls.seed
    cards = tuple(
        StoredCard(
            f"c{number}", each.text, seed=chunk_seed(seed, number),
            ends_paragraph=each.ends_paragraph,
        )
        for number, each in enumerate(chunks)
    )  # fmt: skip
    prints = {} if voice is None else {voice: voice_print(stock.speaker(voice, config.id))}
    return StoredProject(
        name, config.id, language, config.sample_rate, seed, controls,
        {} if voice is None else {"": voice}, (StoredChapter(name, cards),), prints,
        next_card=len(cards),
    )  # fmt: skip


def _chunks(
    config: FamilyConfig, text: str, controls: SpeechControls, language: str
) -> tuple[TextChunk, ...]:
    room = config.semantic.text_pad_token - config.semantic.text_offset
    count = load_tokenizer(config.folder, room).count
    limits = chunk_limits(config, controls.max_seconds)
    return split_into_chunks(normalise(text), limits, count, language)


def _refuse_what_hangs_together(
    config: FamilyConfig, controls: SpeechControls, voice: str | None
) -> None:
    if controls.condition_on_previous:
        raise ProjectError(
            "Sentences of a long text are spoken one by one, so none can continue the one before. "
            "Leave condition_on_previous out."
        )
    if voice is None:
        raise ProjectError(
            f"The family {config.title} has no voice, and without one each sentence of a long text "
            "would sound like somebody else. Clone or import a voice first."
        )
