"""What is said while a chapter is heard: its times, and the script that shows the words."""

import json
from collections.abc import Sequence
from pathlib import Path

from webui.backend.project_facts import ChapterInfo, SpokenCard
from webui.ui.long_words import said_words

SCRIPT = Path(__file__).with_name("captions.js")
NO_CAPTIONS = ""  # while something else is heard


def captions_script() -> str:
    """The script for the page's head."""
    return f"<script>{SCRIPT.read_text('utf-8')}</script>"


def captions(chapter: ChapterInfo, spoken: Sequence[SpokenCard]) -> str:
    """Say for the script when which card of a chapter is heard.

    Args:
        chapter: gives the cards their numbers.
        spoken: the times of those that are in the sound.
    """
    numbers = {card.id: number for number, card in enumerate(chapter.cards, 1)}
    cues = [
        {
            "start": round(each.start_seconds, 3),
            "end": round(each.end_seconds, 3),
            "number": numbers[each.card],
            "text": said_words(each.speaker, each.text),
        }
        for each in spoken
        if each.card in numbers
    ]
    return json.dumps(cues, ensure_ascii=False)
