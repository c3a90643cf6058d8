"""A book cut into cards, and what can be done with the cards of a project."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from webui.backend.project_store import StoredCard, StoredChapter, StoredProject
from webui.errors import ProjectError, TextError
from webui.family import FamilyConfig
from webui.longform.book import Book, Passage
from webui.synthesis.chunking import ChunkLimits, chunk_limits, split_into_chunks
from webui.synthesis.controls import MAX_SEED, SpeechControls
from webui.synthesis.text import is_pronounceable, load_tokenizer, normalise

CARD_SECONDS = 10.0  # of speech at most: a sentence or two, so that little is spoken again
MAX_CARD_CHARACTERS = 2_000
MAX_CARDS = 100_000
MAX_PAUSE_SECONDS = 30.0
_STRETCH = 20_000  # characters of a passage that are cut at once


@dataclass(frozen=True)
class CardCutter:
    """Cuts text so that a family says each card in one go."""

    limits: ChunkLimits
    count_tokens: Callable[[str], int]
    language: str

    def texts(self, text: str) -> Iterator[tuple[str, bool]]:
        """The texts of the cards of a passage, and whether a paragraph ends with each."""
        for stretch in _stretches(text):
            if is_pronounceable(stretch):
                chunks = split_into_chunks(
                    normalise(stretch), self.limits, self.count_tokens, self.language, soon=False
                )
                yield from ((each.text, each.ends_paragraph) for each in chunks)


def card_cutter(family: FamilyConfig, controls: SpeechControls, language: str) -> CardCutter:
    """Make the cutter of a family; no model is loaded, only its list of words.

    Raises:
        CheckpointError: the family's tokenizer is missing or damaged.
    """
    room = family.semantic.text_pad_token - family.semantic.text_offset
    tokenizer = load_tokenizer(family.folder, room)
    limits = chunk_limits(family, controls.max_seconds)
    return CardCutter(
        replace(limits, seconds=min(limits.seconds, CARD_SECONDS)), tokenizer.count, language
    )


def cut_book(book: Book, cutter: CardCutter) -> tuple[StoredChapter, ...]:
    """Cut a book into cards; chapters in which there is nothing to say are left out.

    Raises:
        TextError: it becomes too many cards.
    """
    chapters: list[StoredChapter] = []
    number = 0
    for chapter in book.chapters:
        cards: list[StoredCard] = []
        for passage in chapter.passages:
            for card in _cards(passage, cutter):
                cards.append(replace(card, id=f"c{number}"))
                number += 1
        if number > MAX_CARDS:
            raise TextError("This text is too long to be spoken. Cut it into several files.")
        if cards:
            chapters.append(StoredChapter(chapter.title, tuple(cards)))
    return tuple(chapters)


def card_text(text: str) -> str:
    """Check the text of one card, and give it as it is kept.

    Raises:
        TextError: there is nothing to say, or too much.
    """
    if len(text) > MAX_CARD_CHARACTERS:
        raise TextError(
            f"This card has {len(text):,} characters; {MAX_CARD_CHARACTERS:,} are the limit. "
            "Split it into several."
        )
    return normalise(text)


def check_pause(seconds: float | None) -> None:
    """Refuse a pause that cannot be.

    Raises:
        ProjectError: it is negative, too long, or no number.
    """
    if seconds is not None and not 0 <= seconds <= MAX_PAUSE_SECONDS:
        raise ProjectError(
            f"The pause is {seconds:g} s; it must lie between 0 and {MAX_PAUSE_SECONDS:g}."
        )


def check_seed(seed: int | None) -> None:
    """Refuse what is no seed.

    Raises:
        ProjectError: it is out of range.
    """
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise ProjectError(f"The seed is {seed}; it must lie between 0 and {MAX_SEED}.")


def find_card(project: StoredProject, card: str) -> StoredCard:
    """Give the card of this id.

    Raises:
        ProjectError: there is none.
    """
    found = next((each for each in project.cards() if each.id == card), None)
    if found is None:
        raise ProjectError("This card is not there any more. Open the project again.")
    return found


def next_card(project: StoredProject, card: str) -> StoredCard:
    """Give the card behind another one, in the same chapter.

    Raises:
        ProjectError: there is none.
    """
    for chapter in project.chapters:
        ids = [each.id for each in chapter.cards]
        if card in ids[:-1]:
            return chapter.cards[ids.index(card) + 1]
    raise ProjectError("No card follows this one in its chapter.")


def split(project: StoredProject, card: str, place: int) -> tuple[StoredProject, str]:
    """Make two cards of one; gives the project and the id of the second.

    Raises:
        ProjectError: there is no such card, or nothing to say on one side of the place.
    """
    found = find_card(project, card)
    place = max(0, place)
    first, second = found.text[:place].strip(), found.text[place:].strip()
    if not is_pronounceable(first) or not is_pronounceable(second):
        raise ProjectError("There must be words on both sides of the place where a card is split.")
    before = replace(found, text=first, ends_paragraph=False, earlier=(), pause_seconds=None)
    after = replace(
        found, text=second, start_seconds=None, earlier=(), kept="", seed=None,
        id=f"c{project.next_card}",
    )  # fmt: skip
    return _put(project, card, (before, after)), after.id


def merge(project: StoredProject, card: str) -> StoredProject:
    """Make one card of a card and the next.

    Raises:
        ProjectError: nothing follows it, or somebody else says what does.
        TextError: together they are too long.
    """
    first, second = find_card(project, card), next_card(project, card)
    if (first.speaker, first.voice) != (second.speaker, second.voice):
        raise ProjectError("These two cards have different voices, so they stay apart.")
    joined = replace(
        first, text=card_text(f"{first.text} {second.text}"), earlier=(),
        ends_paragraph=second.ends_paragraph, pause_seconds=second.pause_seconds,
    )  # fmt: skip
    return _put(_put(project, second.id, ()), card, (joined,))


def insert(project: StoredProject, after: str, text: str) -> tuple[StoredProject, str]:
    """Add a card of the same speaker; gives the project and the new id.

    Raises:
        ProjectError: there is no card to stand behind.
        TextError: there is nothing to say, or too much.
    """
    found = find_card(project, after)
    made = StoredCard(
        f"c{project.next_card}", card_text(text), found.speaker, found.voice,
        ends_paragraph=found.ends_paragraph,
    )  # fmt: skip
    return _put(project, after, (replace(found, ends_paragraph=False), made)), made.id


def move(project: StoredProject, card: str, by: int) -> StoredProject:
    """Move a card behind others of its chapter, or before them where `by` is below 0.

    Paragraphs end at the places where they did.

    Raises:
        ProjectError: there is no such card, its chapter ends before that, or subtitles say when it
            is spoken.
    """
    find_card(project, card)
    chapter = next(each for each in project.chapters if card in [one.id for one in each.cards])
    cards = list(chapter.cards)
    place = [each.id for each in cards].index(card)
    if not 0 <= place + by < len(cards):
        raise ProjectError("There is no place for this card there: its chapter ends before.")
    passed = cards[min(place, place + by) : max(place, place + by) + 1]
    if any(each.start_seconds is not None for each in passed):
        raise ProjectError("Subtitles say when these cards are spoken, so they keep their order.")
    ends = [each.ends_paragraph for each in cards]
    cards.insert(place + by, cards.pop(place))
    moved = tuple(
        replace(each, ends_paragraph=is_end) for each, is_end in zip(cards, ends, strict=True)
    )
    chapters = (
        replace(each, cards=moved) if each is chapter else each for each in project.chapters
    )
    return replace(project, chapters=tuple(chapters))


def remove(project: StoredProject, card: str) -> StoredProject:
    """Take a card out; a chapter that has none left goes with it.

    Raises:
        ProjectError: there is no such card, or it is the last one.
    """
    find_card(project, card)
    left = _put(project, card, ())
    chapters = tuple(each for each in left.chapters if each.cards)
    if not chapters:
        raise ProjectError("This is the last card. Delete the whole project instead.")
    return replace(left, chapters=chapters)


def _put(project: StoredProject, card: str, cards: tuple[StoredCard, ...]) -> StoredProject:
    """Put other cards in the place of one; the next new card has a number nobody had."""
    chapters = (
        replace(
            chapter,
            cards=tuple(
                new for each in chapter.cards for new in (cards if each.id == card else (each,))
            ),
        )
        for chapter in project.chapters
    )
    added = len(cards) > 1
    return replace(project, chapters=tuple(chapters), next_card=project.next_card + added)


def _cards(passage: Passage, cutter: CardCutter) -> Iterator[StoredCard]:
    """The cards of one passage, without their ids; the first begins when the passage does."""
    texts = list(cutter.texts(passage.text))
    for number, (text, ends) in enumerate(texts):
        is_last = number == len(texts) - 1
        yield StoredCard(
            "", text, passage.speaker,
            ends_paragraph=passage.ends_paragraph if is_last else ends,
            start_seconds=passage.start_seconds if number == 0 else None,
        )  # fmt: skip


def _stretches(text: str) -> Iterator[str]:
    """A text in parts that can be cut at once, parted between sentences or words."""
    while len(text) > _STRETCH:
        place = max(text.rfind(mark, _STRETCH // 2, _STRETCH) for mark in ("\n", ". ", "。", " "))
        place = place + 1 if place > 0 else _STRETCH
        yield text[:place]
        text = text[place:]
    yield text


def speakers(chapters: tuple[StoredChapter, ...]) -> tuple[str, ...]:
    """Who speaks, in the order in which they first do."""
    return tuple(dict.fromkeys(card.speaker for each in chapters for card in each.cards))


def chosen_voices(
    names: tuple[str, ...], given: Mapping[str, str], narrator: str | None, known: tuple[str, ...]
) -> dict[str, str]:
    """Give everybody a voice: those who were given none get different ones, while there are.

    Args:
        names: of the speakers; the narrator has the empty one.
        given: voices by the speakers' names.
        narrator: the narrator's voice, if it was chosen.
        known: the ids of voices that may be chosen, the best first.
    """
    chosen = dict(given)
    if narrator is not None:
        chosen[""] = narrator
    for name in ("", *names):
        if name not in chosen and known:
            free = [each for each in known if each not in chosen.values()] or list(known)
            chosen[name] = free[0]
    return chosen
