import io
from dataclasses import replace

import pytest
import soundfile

from webui.audio import read_metadata
from webui.errors import EngineError
from webui.synthesis.controls import SpeechControls
from webui.ui import speak_run
from webui.ui.jobs import JobDesk
from webui.ui.speak_form import SpeakForm, with_controls
from webui.ui.takes import new_owner

PAGE = "page-1"


def filled(**changes) -> SpeakForm:
    plain = replace(with_controls(SpeechControls()), text="Good morning.", family="mini")
    return replace(plain, **changes)


def run(studio, owner="0" * 32, **changes):
    return list(speak_run.speak(studio, filled(**changes), owner, PAGE))


def words(shown) -> str:
    return "\n".join(each.status for each in shown if each.status)


def test_a_speech_tells_its_stages_gives_sound_early_and_ends_as_a_take(studio):
    studio = replace(studio, has_ffmpeg=True)
    shown = run(studio)
    assert shown[0].starting
    assert "Sentence 2 of 2 · shaping the voice · about 1 s left" in words(shown)
    first_sound = next(at for at, each in enumerate(shown) if each.sound)
    assert any("Sentence 2" in (each.status or "") for each in shown[first_sound:])
    sound, rate = soundfile.read(io.BytesIO(shown[first_sound].sound))
    assert rate == 16_000
    assert abs(sound).max() > 0.1
    assert "Seed 62422" in words(shown[-2:])
    assert [each.running for each in shown[-2:]] == [False, False]


def test_speak_can_be_pressed_again_as_soon_as_the_end_is_shown(studio, service, monkeypatch):
    """Whoever computes may need a moment after the last event, to give back what it borrowed."""
    ended, speak = [], service.speak

    def slow_to_end(order, cancel=None):
        yield from speak(order, cancel)
        ended.append(True)

    monkeypatch.setattr(service, "speak", slow_to_end)
    for shown in speak_run.speak(studio, filled(), "0" * 32, PAGE):
        if not shown.running:
            assert ended
            assert not studio.desk.is_busy(PAGE)
            assert studio.shelf.list("0" * 32)


def test_the_take_holds_the_sound_in_three_formats_with_the_settings_in_each(studio):
    take = run(studio, voice="ada-11111111", pause_seconds=1.0)[-1].take
    assert take.title == "Take 1 · Ada · seed 62422"
    for name in ("wav", "flac", "mp3"):
        kept = read_metadata(take.file(name))
        assert (kept["text"], kept["voice"], kept["seed"]) == (
            "Good morning.",
            "ada-11111111",
            62_422,
        )
        assert kept["controls"]["pause_seconds"] == 1.0


def test_a_local_take_stays_in_the_users_folder_and_a_public_one_does_not(studio, settings):
    run(studio)
    assert [file.suffix for file in settings.outputs_dir.iterdir()] == [".wav"]


def test_without_ffmpeg_the_finished_take_still_comes(studio):
    shown = run(replace(studio, has_ffmpeg=False))
    assert not any(each.sound for each in shown)
    assert shown[-1].take is not None
    assert not shown[-1].heard


def test_stop_keeps_what_was_spoken_and_says_so(studio, service):
    service.chunks, service.cancel_at = 3, 2
    shown = run(studio)
    assert "Stopped" in words(shown[-2:])
    assert "The 2 parts spoken are kept" in words(shown[-2:])
    assert shown[-1].take.stopped
    assert not shown[-1].played


def test_stop_before_the_first_sound_leaves_no_take(studio, service):
    service.cancel_at = 0
    shown = run(studio)
    assert shown[-1].take is None
    assert "Nothing was spoken yet" in words(shown)


def test_stop_reaches_the_job_of_its_own_page_only(studio, service):
    service.chunks = 50
    mine = speak_run.speak(studio, filled(), "0" * 32, "mine")
    next(mine)
    other = speak_run.speak(studio, filled(), "1" * 32, "other")
    next(other)
    assert studio.desk.stop("mine")
    assert "Stopped" in words(list(mine))
    assert "Done" in words(list(other))
    assert not studio.desk.stop("mine")


def test_a_page_that_goes_away_stops_its_job(studio, service):
    service.chunks = 50
    running = speak_run.speak(studio, filled(), "0" * 32, PAGE)
    next(running)
    running.close()
    assert not studio.desk.stop(PAGE)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"text": ""}, "Type something to speak first"), ({"voice": "x"}, "no longer there")],
)
def test_a_mistake_in_the_form_is_told_and_nothing_starts(studio, service, changes, expected):
    shown = run(studio, **changes)
    assert expected in words(shown)
    assert not shown[-1].running
    assert service.orders == []


def test_a_failed_job_is_told_in_its_own_words(studio, service):
    service.failure = "The graphics card is full <img src=x>."
    shown = run(studio)
    assert "The graphics card is full &lt;img src=x\\>" in words(shown).replace("\\.", ".")
    assert not shown[-1].running


def test_an_unforeseen_fault_gets_a_code_and_gives_nothing_away(studio, service, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret path /root")

    monkeypatch.setattr(service, "speak", broken)
    shown = run(studio)
    assert "Something went wrong" in words(shown)
    assert "secret" not in words(shown)
    assert not studio.desk.stop(PAGE)


def test_one_page_has_one_job_and_all_together_a_bounded_number():
    desk = JobDesk(max_jobs=2)
    first = desk.start("a")
    with pytest.raises(EngineError, match="still speaking"):
        desk.start("a")
    desk.start("b")
    with pytest.raises(EngineError, match="2 people are waiting"):
        desk.start("c")
    desk.finish("a", first)
    assert first.cancelled
    desk.start("c")


def test_takes_belong_to_their_owner_and_count_up(studio):
    ada, bob = new_owner(), new_owner()
    run(studio, ada)
    run(studio, ada)
    run(studio, bob)
    assert [take.number for take in studio.shelf.list(ada)] == [2, 1]
    assert [take.number for take in studio.shelf.list(bob)] == [1]
    folders = {take.folder for owner in (ada, bob) for take in studio.shelf.list(owner)}
    assert len(folders) == 3
