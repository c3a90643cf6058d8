"""What the Long text tab says: how far a text is, what its cards are, who speaks them."""

from webui.backend.project_facts import Card, ChapterInfo, ProjectDetails, ProjectInfo
from webui.ui.messages import plain, time_words

LIST_HEAD = ["Name", "State", "Sound"]
CARDS_HEAD = ["No.", "State", "Text", "Length"]
STATES = {"new": "to speak", "done": "done", "changed": "changed", "failed": "failed"}
NARRATOR = "Narrator"
CHARACTERS_A_SECOND = 15.0  # of English read aloud: 150 words of six letters a minute
SHOWN_CHARACTERS = 160
NOTHING = (
    "**No long text yet.** Drop a text, EPUB or subtitle file. "
    "You can close this page while it is spoken."
)
NO_CARD = "Choose a card to hear it and to change it."
GOES_ON = "You may close this page: the work goes on."


def status_words(info: ProjectInfo | None, details: ProjectDetails | None, fault: str = "") -> str:
    """Say how a text stands: what is done, how long the rest takes, what can be pressed."""
    if info is None:
        return NOTHING
    name = f"**{plain(info.name)}**"
    if info.broken is not None:
        return f"**{plain(info.name)} cannot be used:** {plain(info.broken)}"
    cards = f"{info.done:,} of {_count(info.cards, 'card')}"
    if info.running:
        left = "the time left is being measured"
        if info.seconds_left is not None:
            left = f"about {time_words(info.seconds_left)} left"
        return f"{name} · {plain(f'{info.fraction:.0%} · {cards} · {left}')}  \n{GOES_ON}"
    lines = [f"**{plain(fault)}**"] if fault else []
    sound = f"{time_words(info.seconds)} of sound"
    if info.cards and info.done == info.cards:
        told = f"{_count(info.cards, 'card')}, {sound}."
        lines.append(f"Done: {name}. {plain(told)}")
    elif info.done:
        lines.append(f"Stopped: {name}. {plain(f'{cards} are spoken, {sound}.')} *Start* goes on.")
    else:
        size = f"{_count(info.chapters, 'chapter')}, {_count(info.cards, 'card')}"
        length = "" if details is None else f", about {time_words(_likely_seconds(details))}"
        lines.append(f"{name} · {plain(f'{size}{length} of speech.')} Press *Start*.")
    failed = 0 if details is None else sum(each.state == "failed" for each in _cards(details))
    if failed:
        lines.append(plain(f"{_count(failed, 'card')} failed: choose one to read why."))
    return "  \n".join(lines)


def list_row(info: ProjectInfo) -> list[str]:
    """What the list says of a text, under `LIST_HEAD`."""
    if info.broken is not None:
        return [info.name, "cannot be used", ""]
    state = f"{info.done:,} of {info.cards:,} cards"
    if info.running:
        state = f"at work, {info.fraction:.0%}"
    elif info.cards and info.done == info.cards:
        state = "done"
    return [info.name, state, time_words(info.seconds) if info.seconds else ""]


def card_row(number: int, card: Card) -> list[str]:
    """What the timeline says of a card, under `CARDS_HEAD`."""
    state = STATES[card.state] + (", locked" if card.locked else "")
    text = said_words(card.speaker, card.text)
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
    length = "" if card.seconds is None else f"{card.seconds:.1f} s"
    return [str(number), state, cut, length]


def said_words(speaker: str, text: str) -> str:
    """What a card says, and who says it, on one line."""
    who = f"{speaker}: " if speaker else ""
    return who + " ".join(text.split())


def card_title(number: int, card: Card) -> str:
    """What stands above a chosen card: its state, and why it failed."""
    parts = [f"Card {number}", STATES[card.state]]
    parts += ["locked"] if card.locked else []
    parts += [_count(card.takes, "earlier take")] if card.takes else []
    parts += [f"begins at {card.start_seconds:.1f} s"] if card.start_seconds is not None else []
    title = f"**{plain(' · '.join(parts))}**"
    return f"{title}  \n{plain(card.note)}" if card.note else title


def chapter_label(number: int, chapter: ChapterInfo) -> str:
    """How a chapter is called in the list of chapters."""
    done = sum(each.state == "done" for each in chapter.cards)
    return f"{number + 1} · {chapter.title} ({done} of {len(chapter.cards)})"


def speakers_words(details: ProjectDetails, names: dict[str, str]) -> str:
    """Say who has which voice.

    Args:
        details: the text.
        names: of the voices, by their ids.
    """
    told = []
    for speaker in details.speakers:
        voice = details.voices.get(speaker, details.voices.get("", ""))
        told.append(f"{speaker or NARRATOR}: {names.get(voice, 'a voice that is gone')}")
    return plain(" · ".join(told))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _cards(details: ProjectDetails) -> list[Card]:
    return [card for chapter in details.chapters for card in chapter.cards]


def _likely_seconds(details: ProjectDetails) -> float:
    return sum(len(each.text) for each in _cards(details)) / CHARACTERS_A_SECOND
