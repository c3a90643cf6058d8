"""A long text through the whole chain: what a card sounds like is what the family says."""

from dataclasses import replace

import numpy as np
import pytest

from webui.backend.requests import SpeakOrder
from webui.backend.service import Service
from webui.events import AudioChunk, Done
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls

CONTROLS = SpeechControls(min_eos_p=1.0, max_seconds=2.0, seed=3)
TEXT = "hello there.\n\nhere is part 1"


@pytest.fixture
def service(tiny_family, tmp_path):
    made = Service(
        Settings(
            models_dir=tiny_family.parent, speakers_dir=tmp_path / "speakers",
            outputs_dir=tmp_path / "outputs", engine="inline", family="tiny", threads=1,
        )
    )  # fmt: skip
    yield made
    made.close()


def test_a_card_sounds_as_the_family_says_it_with_its_seed_and_voice(service):
    desk = service.projects
    project = desk.create("", TEXT, controls=CONTROLS).id
    *told, last = desk.render(project)
    assert isinstance(last, Done)
    chunks = [each for each in told if isinstance(each, AudioChunk)]
    details = desk.details(project)
    (chapter,) = details.chapters
    assert [each.text for each in chunks] == [card.text for card in chapter.cards]
    assert {card.state for card in chapter.cards} == {"done"}
    again = desk.edit_card(project, chapter.cards[0].id, seed=5)
    assert again.state == "changed"
    assert isinstance(list(desk.render(project))[-1], Done)
    order = SpeakOrder(
        again.text, "tiny", details.voices.get(""), replace(CONTROLS, seed=5), details.language
    )
    *_, end = service.speak(order)
    sound, rate = desk.card_sound(project, again.id)
    assert rate == end.result.sample_rate
    np.testing.assert_allclose(sound, end.result.waveform, atol=1e-4)
