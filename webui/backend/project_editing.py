"""What can be changed of a long text: its name, its cards, who speaks them."""

from dataclasses import replace
from types import EllipsisType

from webui.backend import project_cards as cards_of
from webui.backend.project_beginning import project_name
from webui.backend.project_facts import Card, ProjectDetails, ProjectInfo
from webui.backend.project_shelf import ProjectShelf
from webui.errors import ProjectError


class ProjectEditing(ProjectShelf):
    """Changes projects; what was spoken before a change is kept beside them for a day."""

    def rename(self, project: str, name: str) -> ProjectInfo:
        """Call a project differently.

        Raises:
            ProjectError: there is none of this id, or the name cannot be used.
        """
        checked = project_name(name, "")
        folder = self._folder(project)
        with self._changing(folder) as change:
            change.project = replace(change.project, name=checked)
        return self._info(folder)

    def edit_card(  # noqa: PLR0913  all that can be changed of a card
        self,
        project: str,
        card: str,
        *,
        text: str | None = None,
        speaker: str | None = None,
        voice: str | None | EllipsisType = ...,
        seed: int | None | EllipsisType = ...,
        pause_seconds: float | None | EllipsisType = ...,
    ) -> Card:
        """Change what is given; the rest, and all that is `...`, stays as it is.

        Raises:
            ProjectError: there is no such card, it is locked, or a value is out of range.
            TextError: there is nothing to say in it, or too much.
            VoiceNotFoundError: there is no such voice for the family.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            found = change.unlocked(card)
            if text is not None:
                found = replace(found, text=cards_of.card_text(text))
            if speaker is not None:
                found = replace(found, speaker=" ".join(speaker.split())[:60])
            if not isinstance(voice, EllipsisType):
                change.project = self._with_print(change.project, voice)
                found = replace(found, voice=voice)
            if not isinstance(seed, EllipsisType):
                cards_of.check_seed(seed)
                found = replace(found, seed=seed)
            if not isinstance(pause_seconds, EllipsisType):
                cards_of.check_pause(pause_seconds)
                found = replace(found, pause_seconds=pause_seconds)
            change.project = change.project.with_cards({card: found})
        return self._card(folder, card)

    def lock(self, project: str, card: str, is_locked: bool) -> Card:
        """Keep a card's sound as it is, whatever is changed, or no longer.

        Raises:
            ProjectError: there is no such card.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            found = cards_of.find_card(change.project, card)
            changed = replace(found, locked=is_locked)
            change.project = change.project.with_cards({card: changed})
        return self._card(folder, card)

    def split_card(self, project: str, card: str, place: int) -> tuple[Card, Card]:
        """Make two cards of one, at a place in its text.

        Raises:
            ProjectError: there is no such card, it is locked, or one side would say nothing.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            change.unlocked(card)
            change.project, second = cards_of.split(change.project, card, place)
        return self._card(folder, card), self._card(folder, second)

    def merge_with_next(self, project: str, card: str) -> Card:
        """Make one card of two that follow each other.

        Raises:
            ProjectError: one is locked, none follows, or they have different voices.
            TextError: together they are too long.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            change.unlocked(card)
            change.unlocked(cards_of.next_card(change.project, card).id)
            change.project = cards_of.merge(change.project, card)
        return self._card(folder, card)

    def insert_card_after(self, project: str, card: str, text: str) -> Card:
        """Add a card of the same speaker behind another one.

        Raises:
            ProjectError: there is no such card.
            TextError: there is nothing to say, or too much.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            change.project, made = cards_of.insert(change.project, card, text)
        return self._card(folder, made)

    def move_card(self, project: str, card: str, by: int) -> Card:
        """Move a card by so many places, forward (above 0) or back, within its chapter.

        Raises:
            ProjectError: there is no such card, no such place, or subtitles say when it is spoken.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            change.project = cards_of.move(change.project, card, by)
        return self._card(folder, card)

    def delete_card(self, project: str, card: str) -> None:
        """Take a card out.

        Raises:
            ProjectError: there is no such card, it is locked, or it is the last one.
        """
        with self._changing(self._folder(project)) as change:
            change.unlocked(card)
            change.project = cards_of.remove(change.project, card)

    def assign_voice(self, project: str, speaker: str, voice: str) -> ProjectDetails:
        """Let a speaker (the narrator is the empty name) have a voice.

        Raises:
            ProjectError: nobody of this name speaks.
            VoiceNotFoundError: there is no such voice for the family.
        """
        with self._changing(self._folder(project)) as change:
            if speaker not in ("", *cards_of.speakers(change.project.chapters)):
                raise ProjectError(f'Nobody in this text is called "{speaker[:60]}".')
            found = self._with_print(change.project, voice)
            change.project = replace(found, voices={**found.voices, speaker: voice})
        return self.details(project)

    def undo_reroll(self, project: str, card: str) -> Card:
        """Bring the sound before the last `reroll` back.

        Raises:
            ProjectError: there is no such card, it is locked, or there is nothing to bring back.
        """
        folder = self._folder(project)
        with self._changing(folder) as change:
            found = change.unlocked(card)
            there = change.view.takes_of(found)
            if not there:
                raise ProjectError("There is no earlier sound of this card.")
            place = len(found.earlier) - 1 - found.earlier[::-1].index(there[-1])
            back = replace(found, seed=there[-1], earlier=found.earlier[:place])
            change.project = change.project.with_cards({card: back})
        return self._card(folder, card)
