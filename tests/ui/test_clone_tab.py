"""The handlers of the Voice Clone tab as Gradio calls them."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from tests.ui.bare_page import BarePage
from tests.ui.clone_values import clip, filled
from webui.audio import read_audio
from webui.backend.cloning_desk import CONSENT
from webui.errors import DownloadError, StorageError, UserError
from webui.speaker_file import read_speaker
from webui.ui import clone_tab
from webui.ui.clone_form import CLONE_FIELDS
from webui.ui.clone_parts import ChosenWay
from webui.ui.clone_tab import CloneTab
from webui.ui.studio import open_studio
from webui.ui.takes import new_owner


@pytest.fixture
def tab(studio):
    with BarePage():
        return CloneTab(studio)


@pytest.fixture
def public_tab(service, settings, tmp_path):
    studio = open_studio(service, replace(settings, public=True), tmp_path / "takes")
    with BarePage():
        return CloneTab(studio)


@pytest.fixture
def path(tmp_path):
    return clip(tmp_path)


@pytest.fixture
def asked(tab, request_like, path):
    """What the page sends when the first clone is to be kept."""
    owner, shown = cloned(tab, request_like, path)
    return {"owner": owner, "key": shown[tab.keeping.key], "index": 0, "name": "A", "tags": []}


@pytest.fixture
def request_like():
    """Handlers ask a request for nothing but the page's key."""
    return gr.Request(session_hash="p")


def values(path, **changes):
    form = filled(path, **changes)
    return [getattr(form, each) for each in CLONE_FIELDS]


def looked(tab, path, **changes):
    return list(tab.look(*values(path, **changes)))[-1]


def cloned(tab, request_like, path, **changes):
    """Clones through the tab; gives the owner and the last change of the page."""
    owner = new_owner()
    return owner, list(tab.clone(request_like, owner, *values(path, **changes)))[-1]


def test_a_recording_is_looked_at_and_its_best_part_is_shown(tab, path):
    first, last = list(tab.look(*values(path, name="")))
    shown = tab.widgets
    assert "Looking" in first[shown.check]
    assert "ends in a pause" in last[shown.check]
    assert last[shown.clone].interactive
    assert last[shown.chooser].visible
    assert (last[shown.start].value, last[shown.end].value) == (2.5, 6.5)
    assert last[shown.end].maximum == 6.5
    assert last[shown.picture].startswith("<svg")
    assert last[shown.name] == "anna"


def test_a_name_that_was_typed_is_left_alone(tab, path):
    assert tab.widgets.name not in looked(tab, path)


def test_without_a_recording_there_is_advice_and_nothing_to_press(tab):
    shown = looked(tab, None)
    assert "quiet room" in shown[tab.widgets.check]
    assert shown[tab.widgets.clone].interactive is False


def test_silence_is_told_and_cannot_be_cloned(tab, tmp_path):
    shown = looked(tab, clip(tmp_path, loudness=0.0))
    assert "almost no speech" in shown[tab.widgets.check]
    assert shown[tab.widgets.clone].interactive is False
    assert shown[tab.widgets.chooser].visible is False


@pytest.mark.parametrize("fault", [UserError("Not <b>audio"), RuntimeError("secret")])
def test_a_check_that_fails_ends_in_words(tab, service, path, monkeypatch, fault):
    def broken(*_):
        raise fault

    monkeypatch.setattr(service, "check", broken)
    words = looked(tab, path)[tab.widgets.check]
    assert "Not &lt;b" in words if isinstance(fault, UserError) else "Something went" in words
    assert "secret" not in words


def test_a_ranked_part_moves_the_sliders_and_moved_sliders_are_ones_own_choice(tab, path):
    clips = looked(tab, path)[tab.checked]
    shown = tab.widgets
    picked = tab.choose_part(clips, *values(path, part="1"))
    assert (picked[shown.start].value, picked[shown.end].value) == (0.5, 4.5)
    moved = tab.move_part(clips, *values(path, start=1.0, end=3.0))
    assert moved[shown.part] == "own"
    assert "from 1.0 to 3.0 seconds" in moved[shown.picture]


def test_several_recordings_can_be_given_and_chosen_from(tab, path, tmp_path):
    second = clip(tmp_path, seconds=9.0, name="second.wav")
    shown, updates = tab.widgets, looked(tab, path, files=[second])
    names = [label for label, _ in updates[shown.which].choices]
    assert names == ["1. anna.wav (6.5 s)", "2. second.wav (9.0 s)"]
    assert updates[shown.which].visible
    clips = updates[tab.checked]
    chosen = tab.choose_recording(clips, *values(path, files=[second], which=1))
    assert (chosen[shown.start].value, chosen[shown.end].value) == (0.0, 9.0)


def test_the_part_can_be_heard_as_it_is_and_cleaned(tab, path, monkeypatch):
    monkeypatch.setattr(clone_tab, "denoise", lambda sound, rate: -sound)
    clips = looked(tab, path)[tab.checked]
    plain = tab.listen(clips, *values(path, start=1.0, end=3.0))
    cleaned = tab.listen(clips, *values(path, start=1.0, end=3.0, denoise=True))
    assert plain.autoplay
    assert plain.label == "1.0–3.0 s"
    (one, rate), (other, _) = (read_audio(Path(each.value["path"])) for each in (plain, cleaned))
    assert one == pytest.approx(clips.recordings[0].waveform[rate : 3 * rate], abs=1e-4)
    assert other == pytest.approx(-one, abs=1e-4)


def test_the_page_cannot_send_a_check_of_its_own(tab, path):
    with pytest.raises(UserError, match="Record or upload"):
        tab.choose_part({"check": 1}, *values(path))


def test_what_is_missing_is_said_beside_its_field(tab, path):
    answers = tab.validate("owner", *values(path, name="", consent=False))
    told = dict(zip(("owner", *CLONE_FIELDS), answers, strict=True))
    wrong = {name: each["message"] for name, each in told.items() if not each["is_valid"]}
    assert wrong == {"name": "Give the voice a name.", "consent": "Tick this box first."}
    assert all(each["is_valid"] for each in tab.validate("owner", *values(path)))


def test_a_clone_is_shown_beside_the_recording_with_its_report(tab, request_like, path):
    _, shown = cloned(tab, request_like, path)
    result = tab.result
    assert shown[result.area].visible
    assert result.reference in shown
    assert shown[result.first.player].visible
    assert shown[result.second.column].visible is False
    assert shown[result.ranking].visible is False
    assert "sounds like the speaker" in shown[result.first.verdict]
    assert "What was said" in shown[result.report]
    assert shown[result.picture].visible
    assert shown[tab.widgets.clone].interactive
    assert shown[tab.widgets.stop].visible is False


def test_the_clones_of_a_comparison_are_ranked_and_any_two_can_be_heard(tab, request_like, path):
    owner, shown = cloned(tab, request_like, path, method="all")
    result, key = tab.result, shown[tab.keeping.key]
    assert len(shown[result.ranking].value["data"]) == 6
    assert [shown[place.choice].value for place in (result.first, result.second)] == [0, 1]
    assert shown[result.second.column].visible
    row = gr.SelectData(None, {"index": [4, 0], "value": "x"})
    chosen = tab.keeping.choose_row(row, owner, key)
    assert chosen[result.first.choice].value == 4
    assert chosen[result.first.player].label.startswith("5. From the transcript")
    assert "does not sound" in chosen[result.first.verdict]


@pytest.mark.parametrize("row", [[9, 0], [], None, ["0", 0]])
def test_a_row_that_is_no_clone_is_refused(tab, request_like, path, row):
    owner, shown = cloned(tab, request_like, path)
    event = gr.SelectData(None, {"index": row, "value": "x"})
    with pytest.raises(StorageError):
        tab.keeping.choose_row(event, owner, shown[tab.keeping.key])


def test_keeping_saves_the_chosen_clone_with_name_labels_and_consent(
    tab, service, request_like, path
):
    owner, shown = cloned(tab, request_like, path, method="all")
    key = shown[tab.keeping.key]
    kept, saved, use, _ = tab.keeping.keep(owner, key, 2, " Anna  Maria ", ["warm"])
    candidate, name, consent, tags = service.kept_clones[0]
    assert candidate.method == "conversion"
    assert (name, consent, tags) == ("Anna Maria", CONSENT, ("warm",))
    assert kept in {voice.id for voice in service.voices()}
    assert "Saved to your library as “Anna Maria”" in saved.value.replace("\\", "")
    assert use.visible


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"name": " "}, "name"), ({"index": 7}, "no longer"), ({"key": "x"}, "no longer"),
     ({"owner": "0" * 32}, "no longer"), ({"tags": [str(n) for n in range(9)]}, "8")],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_and_not_lost(tab, service, asked, changes, words):
    with pytest.raises(UserError, match=words):
        tab.keeping.keep(*(asked | changes).values())
    assert service.kept_clones == []
    assert tab.studio.clones.newest(asked["owner"]) is not None


def test_a_reload_brings_back_a_clone_that_was_not_kept_and_only_that(tab, request_like, path):
    owner, shown = cloned(tab, request_like, path, name="Anna Maria")
    again = dict(zip(tab.refilled(), tab.refill(owner), strict=True))
    assert again[tab.result.area].visible
    assert again[tab.widgets.name] == "Anna Maria"
    stranger = dict(zip(tab.refilled(), tab.refill(new_owner()), strict=True))
    assert stranger[tab.result.area] == gr.skip()
    tab.keeping.keep(owner, shown[tab.keeping.key], 0, "Anna", [])
    kept = dict(zip(tab.refilled(), tab.refill(owner), strict=True))
    assert kept[tab.result.area] == gr.skip()


def test_record_another_puts_everything_aside(tab, request_like, path):
    owner, shown = cloned(tab, request_like, path)
    emptied = tab.keeping.another(owner, shown[tab.keeping.key])
    assert emptied[tab.widgets.clip] is None
    assert emptied[tab.widgets.consent] is False
    assert emptied[tab.result.area].visible is False
    assert tab.studio.clones.newest(owner) is None


def test_a_visitor_without_a_secret_is_asked_to_reload(tab, request_like, path):
    (told,) = tab.clone(request_like, "nobody", *values(path))
    assert "reload" in told[tab.widgets.status]


def test_a_public_page_hands_out_the_file_beside_keeping_the_voice(
    public_tab, service, request_like, path
):
    owner, shown = cloned(public_tab, request_like, path)
    first = public_tab.result.first
    assert first.keep.visible
    assert shown[first.save].visible
    speaker = read_speaker(public_tab.studio.clones.folder(
        public_tab.studio.clones.newest(owner)
    ) / "anna-1.npz")  # fmt: skip
    assert speaker.metadata.consent_text == CONSENT
    public_tab.keeping.keep(owner, shown[public_tab.keeping.key], 0, "Anna", [])
    assert service.kept_clones == []  # it is on the visitor's own shelf


def choose(tab, method="quantizer", language="en", quantizer="auto", converter="auto"):
    return tab.parts.choose(method, language, "mini", quantizer, converter)


def test_each_method_shows_what_it_asks_for(tab):
    shown = tab.widgets
    quantizer, transcript, everything = (
        choose(tab, method) for method in ("quantizer", "transcript", "all")
    )
    asked = [each[shown.transcript].visible for each in (quantizer, transcript, everything)]
    assert asked == [False, True, True]
    assert [each[shown.takes].visible for each in (quantizer, everything)] == [False, True]
    assert "licence MIT" in quantizer[shown.parts_note].value
    assert transcript[shown.parts_note].visible is False


def test_a_converter_that_is_not_free_asks_for_a_tick(tab):
    shown = tab.widgets
    asked = choose(tab, "conversion", converter="your_tts")
    assert asked[shown.licence].visible
    assert "CC BY\\-NC\\-ND" in asked[shown.parts_note].value
    assert not choose(tab, "quantizer", converter="your_tts")[shown.licence].visible


def test_the_quantizer_of_the_language_is_offered_for_download(tab, studio):
    shown, offered = tab.widgets, choose(tab, language="pl")
    assert "to be downloaded" in offered[shown.parts_note].value
    assert offered[shown.bring].value == "Download Polish, 8 epochs (104 MB, MIT)"
    assert offered[tab.parts.wanted] == "polish-8"
    note, button = tab.parts.bring("polish-8")
    assert "Downloading Polish" in note.value
    assert button.visible is False
    assert studio.downloads.wait(10)
    assert choose(tab, language="en")[shown.bring].visible is False


def test_a_part_that_is_missing_says_how_to_get_it(tab):
    asked = choose(tab, "conversion", converter="freevc24")
    assert "\\-\\-with tts" in asked[tab.widgets.parts_note].value


@pytest.mark.parametrize("part", ["mini-en", "nothing", None, ["polish-8"]])
def test_what_cannot_be_downloaded_is_refused(tab, studio, part):
    with pytest.raises(DownloadError):
        tab.parts.bring(part)
    assert not studio.downloads.running


def test_visitors_of_a_public_page_download_nothing(public_tab):
    assert choose(public_tab, language="pl")[public_tab.widgets.bring].visible is False
    with pytest.raises(DownloadError, match="whoever runs"):
        public_tab.parts.bring("polish-8")


def test_what_came_in_is_noticed_once(tab, service):
    way = ("quantizer", "pl", "mini", "auto", "auto")
    first = tab.parts.follow(None, *way)
    seen = first[tab.parts.seen]
    assert list(tab.parts.follow(seen, *way)) == [tab.parts.seen]
    service.parts = [replace(each, state="ready") for each in service.parts]
    changed = tab.parts.follow(seen, *way)
    assert changed[tab.widgets.bring].visible is False


def test_a_way_that_no_widget_sends_is_told_nothing(tab):
    way = ChosenWay("magic", None, ["mini"], 5, None)
    assert not way.needs_licence(tab.studio)
    told = tab.parts.choose("magic", None, ["mini"], 5, None)
    assert told[tab.widgets.parts_note].visible is False
