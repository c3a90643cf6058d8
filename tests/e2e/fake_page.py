"""The page over a scripted service, as a program of its own; it is told its port."""

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.fake_projects import FakeProjects
from tests.fake_service import FakeService
from tests.fake_training import FakeTraining
from webui.audio import write_audio
from webui.settings import Settings

SLOW_WORD = "slowly"
HEARD_FORMAT = "flac"
SECONDS_AN_EVENT = 0.15
SECONDS_A_DOWNLOAD_STEP = 0.8
SECONDS_A_CLONE_STEP = 2.0
SECONDS_A_CARD = 2.0


class HeldTraining(FakeTraining):
    """Moves on when it is looked at; if its name asks for it, not past its pairs before a stop."""

    def _move(self, made) -> None:
        is_held = SLOW_WORD in made.order.name and not made.info.can_continue
        if not (is_held and made.info.pairs == made.order.texts):
            super()._move(made)


class PacedProjects(FakeProjects):
    """Takes its time over a card when its words ask for it."""

    def _take_time(self, card) -> None:
        if SLOW_WORD in card.text:
            time.sleep(SECONDS_A_CARD)

    def export(self, project, path, audio_format, chapter=None):
        """What is heard on the page has to be a sound."""
        if audio_format == HEARD_FORMAT:
            write_audio(path, *self.chapter_sound(project, chapter), audio_format)
        else:
            super().export(project, path, audio_format, chapter)


class PacedService(FakeService):
    """Speaks one chunk a sentence, and takes its time when a text asks for it."""

    def __init__(self, settings=None):
        super().__init__(settings)
        self.training = HeldTraining()
        self.projects = PacedProjects()

    def speak(self, order, cancel=None):
        self.chunks = max(order.text.count("."), 1)
        events = super().speak(order, cancel)
        return self._paced(events) if SLOW_WORD in order.text else events

    def clone(self, order, cancel=None):
        events = super().clone(order, cancel)
        return (
            self._paced(events, SECONDS_A_CLONE_STEP)
            if SLOW_WORD in (order.transcript or "")
            else events
        )

    def download(self, family_id, cancel=None):
        return self._paced(super().download(family_id, cancel), SECONDS_A_DOWNLOAD_STEP)

    def _paced(self, events, seconds=SECONDS_AN_EVENT):
        for event in events:
            time.sleep(seconds)
            yield event


def main(port: int, *words: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "page")
        from webui.ui.page import build_page, launch_options
        from webui.ui.studio import open_studio

        space = {"SPACE_ID": "someone/bark"} if "space" in words else {}
        settings = Settings.from_environment(space, host="127.0.0.1", port=port)
        settings = replace(settings, outputs_dir=Path(folder) / "kept")
        settings = replace(settings, public=settings.public or "public" in words)
        settings = replace(settings, mcp="mcp" in words)
        studio = open_studio(PacedService(settings), settings, Path(folder) / "takes")
        build_page(studio).launch(**launch_options(settings))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
