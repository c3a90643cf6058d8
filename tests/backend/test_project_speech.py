"""A long text through the whole chain: what a card sounds like is what the family says."""

from dataclasses import replace

import numpy as np
import pytest

from webui.backend.requests import SpeakOrder
from webui.backend.service import Service
from webui.errors import ProjectError
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


def test_a_speech_in_cards_says_the_same_at_the_same_time_as_in_one_go(service):
    desk = service.projects
    order = SpeakOrder(TEXT, "tiny", service.voices("tiny")[0].id, CONTROLS, "en")
    project = desk.create_speech("Speech", order).id
    assert isinstance(list(desk.render(project))[-1], Done)
    *_, end = service.speak(order)
    spoken = [(each.text, each.start_seconds, each.end_seconds) for each in end.result.chunks]
    found = [(each.text, each.start_seconds, each.end_seconds) for each in desk.timeline(project)]
    assert len(spoken) > 1
    assert found == spoken
    blocks, rate = desk.track(project)
    sound = np.concatenate(list(blocks))
    assert (len(sound), rate) == (len(end.result.waveform), end.result.sample_rate)
    assert np.corrcoef(sound, end.result.waveform)[0, 1] > 0.99


def test_a_speech_without_a_voice_is_refused_when_it_is_cut(service):
    with pytest.raises(ProjectError, match="sound like somebody else"):
        service.projects.create_speech("Speech", SpeakOrder(TEXT, "tiny", None, CONTROLS))
    desk = service.projects
    alone = desk.create_speech("Speech", SpeakOrder("hello there.", "tiny", None, CONTROLS))
    assert alone.cards == 1
