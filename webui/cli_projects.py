"""`python -m webui projects`: long texts, and the cards that they are made of."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from webui import cli_project_flags as flags
from webui.cli_actions import Action, act, add_actions
from webui.cli_project_flags import FORMATS
from webui.cli_speak import find_voice
from webui.cli_terminal import duration, follow, print_json, print_table, say
from webui.errors import AudioFileError
from webui.events import CancelToken

if TYPE_CHECKING:
    from webui.backend.project_facts import Card, ProjectInfo
    from webui.backend.service import Service
    from webui.settings import Settings

HEAD = ("ID", "NAME", "CHAPTERS", "DONE", "LENGTH", "CHANGED", "REMARK")
CARD_HEAD = ("CARD", "STATE", "SPEAKER", "LENGTH", "TEXT", "REMARK")
SUBTITLES = ("srt", "vtt")
SHOWN_CHARACTERS = 60  # of a card's text in a table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions of `projects`; without one the long texts are listed."""
    add_actions(parser, ACTIONS)


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Do one thing with the long texts.

    Raises:
        UserError: a text, a card, a value or a file cannot be used.
        KeyboardInterrupt: the user stopped it; what was spoken is kept.
    """
    return act(ACTIONS, arguments.action or ACTIONS[0].name, arguments, settings)


def print_projects(service: "Service", arguments: argparse.Namespace) -> int:
    """List all long texts."""
    found = service.projects.all()
    if arguments.json:
        print_json([asdict(each) for each in found])
        return 0
    print_table(HEAD, map(_row, found))
    if not found:
        say("There is no long text yet. `python -m webui audiobook BOOK --out PATH` begins one.")
    return 0


def _show(service: "Service", arguments: argparse.Namespace) -> int:
    details = service.projects.details(arguments.project)
    if arguments.json:
        print_json(asdict(details))
        return 0
    print_table(HEAD, [_row(details.info)])
    for name, voice in details.voices.items():
        say(f"{name or 'narrator'}: {voice}")
    for number, chapter in enumerate(details.chapters, 1):
        if arguments.chapter in (None, number):
            say(f"Chapter {number}: {chapter.title}")
            print_table(CARD_HEAD, map(_card_row, chapter.cards))
    return 0


def _speak(service: "Service", arguments: argparse.Namespace) -> int:
    cancel = CancelToken()
    events = service.projects.render(
        arguments.project, chapter=_chapter(arguments), cards=arguments.card, cancel=cancel
    )
    follow(events, cancel)
    return _tell(service, arguments)


def _edit(service: "Service", arguments: argparse.Namespace) -> int:
    voice = arguments.voice
    if voice:
        family = service.projects.details(arguments.project).family
        voice = find_voice(service, voice, family)
    card = service.projects.edit_card(
        arguments.project, arguments.card, text=arguments.text, speaker=arguments.speaker,
        voice=... if voice is None else voice or None,
        seed=... if arguments.seed is None else arguments.seed,
        pause_seconds=... if arguments.pause is None else arguments.pause,
    )  # fmt: skip
    return _tell_cards(arguments, card)


def _reroll(service: "Service", arguments: argparse.Namespace) -> int:
    cancel = CancelToken()
    follow(service.projects.reroll(arguments.project, arguments.card, cancel), cancel)
    details = service.projects.details(arguments.project)
    cards = (card for chapter in details.chapters for card in chapter.cards)
    return _tell_cards(arguments, *(card for card in cards if card.id == arguments.card))


def _split(service: "Service", arguments: argparse.Namespace) -> int:
    made = service.projects.split_card(arguments.project, arguments.card, arguments.at)
    return _tell_cards(arguments, *made)


def _insert(service: "Service", arguments: argparse.Namespace) -> int:
    made = service.projects.insert_card_after(arguments.project, arguments.card, arguments.text)
    return _tell_cards(arguments, made)


def _move(service: "Service", arguments: argparse.Namespace) -> int:
    made = service.projects.move_card(arguments.project, arguments.card, arguments.by)
    return _tell_cards(arguments, made)


def _remove(service: "Service", arguments: argparse.Namespace) -> int:
    service.projects.delete_card(arguments.project, arguments.card)
    return _tell(service, arguments)


def _voice(service: "Service", arguments: argparse.Namespace) -> int:
    family = service.projects.details(arguments.project).family
    voice = find_voice(service, arguments.voice, family)
    service.projects.assign_voice(arguments.project, arguments.speaker, voice)
    return _tell(service, arguments)


def _rename(service: "Service", arguments: argparse.Namespace) -> int:
    service.projects.rename(arguments.project, arguments.name)
    return _tell(service, arguments)


def _delete(service: "Service", arguments: argparse.Namespace) -> int:
    service.projects.delete(arguments.project)
    say(f"{arguments.project} is deleted with its sounds.")
    if arguments.json:
        print_json({"deleted": arguments.project})
    return 0


def _export(service: "Service", arguments: argparse.Namespace) -> int:
    kind, chapter = _ending(arguments.out), _chapter(arguments)
    if kind in SUBTITLES:
        from webui.file_saving import save_file

        text = service.projects.subtitles(
            arguments.project, "srt" if kind == "srt" else "vtt", chapter
        )
        save_file(arguments.out, text.encode(), replace=True)
    else:
        service.projects.export(arguments.project, arguments.out, kind, chapter)
    return _written(arguments)


def _hear(service: "Service", arguments: argparse.Namespace) -> int:
    from webui.audio import write_audio

    sound, rate = service.projects.card_sound(arguments.project, arguments.card)
    write_audio(arguments.out, sound, rate)
    return _written(arguments)


def _changes(name: str) -> "Callable[[Service, argparse.Namespace], int]":
    """An action that does one thing with a card and shows it."""

    def do(service: "Service", arguments: argparse.Namespace) -> int:
        desk, project, card = service.projects, arguments.project, arguments.card
        made = {
            "lock": lambda: desk.lock(project, card, True),
            "unlock": lambda: desk.lock(project, card, False),
            "merge": lambda: desk.merge_with_next(project, card),
            "undo": lambda: desk.undo_reroll(project, card),
        }[name]()
        return _tell_cards(arguments, made)

    return do


def _chapter(arguments: argparse.Namespace) -> int | None:
    return None if arguments.chapter is None else arguments.chapter - 1


def _ending(path: Path) -> str:
    ending = path.suffix.removeprefix(".").lower()
    if ending not in (*FORMATS, *SUBTITLES):
        raise AudioFileError(
            f'"{path.name}" ends in none of {", ".join((*FORMATS, *SUBTITLES))}. Change it.'
        )
    return ending


def _written(arguments: argparse.Namespace) -> int:
    say(f"Written: {arguments.out}")
    if arguments.json:
        print_json({"project": arguments.project, "out": str(arguments.out)})
    return 0


def _tell(service: "Service", arguments: argparse.Namespace) -> int:
    info = service.projects.details(arguments.project).info
    if arguments.json:
        print_json(asdict(info))
    else:
        print_table(HEAD, [_row(info)])
    return 0


def _tell_cards(arguments: argparse.Namespace, *cards: "Card") -> int:
    if arguments.json:
        print_json([asdict(each) for each in cards])
    else:
        print_table(CARD_HEAD, map(_card_row, cards))
    return 0


def _row(info: "ProjectInfo") -> tuple[str, ...]:
    done = f"{info.done} of {info.cards}"
    length = duration(info.seconds)
    return (
        info.id, info.name, str(info.chapters), done, length, info.changed, info.broken or "",
    )  # fmt: skip


def _card_row(card: "Card") -> tuple[str, ...]:
    length = "" if card.seconds is None else duration(card.seconds)
    text = card.text
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
    state = f"{card.state}, locked" if card.locked else card.state
    return card.id, state, card.speaker, length, shown, card.note


ACTIONS = (
    Action("list", "list the long texts, as without an action", flags.add_nothing, print_projects),
    Action("show", "list the cards of a text", flags.add_chapter, _show),
    Action("speak", "speak what is new or changed", flags.add_speak, _speak),
    Action("edit", "change a card's words, voice, seed or pause", flags.add_edit, _edit),
    Action("reroll", "speak a card again with another seed", flags.add_card, _reroll),
    Action("undo", "bring back the sound before a reroll", flags.add_card, _changes("undo")),
    Action("lock", "keep a card's sound as it is", flags.add_card, _changes("lock")),
    Action("unlock", "let a card be changed again", flags.add_card, _changes("unlock")),
    Action("split", "make two cards of one", flags.add_split, _split),
    Action("merge", "make one card of a card and the next", flags.add_card, _changes("merge")),
    Action("insert", "add a card behind another one", flags.add_insert, _insert),
    Action("move", "move a card within its chapter", flags.add_move, _move),
    Action("remove", "take a card out", flags.add_card, _remove),
    Action("voice", "let a speaker have a voice", flags.add_voice, _voice),
    Action("hear", "write the sound of one card", flags.add_hear, _hear),
    Action("export", "write a chapter or the whole, or subtitles", flags.add_export, _export),
    Action("rename", "call a text differently", flags.add_rename, _rename),
    Action("delete", "remove a text with its sounds", flags.add_project, _delete),
)
