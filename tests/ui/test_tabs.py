"""The handlers as Gradio calls them, and what the built page promises."""

from dataclasses import replace

import gradio as gr
import httpx
import pytest

from webui.backend.facts import ServiceStatus
from webui.errors import SettingsError, StorageError
from webui.settings import Settings
from webui.synthesis.controls import SpeechControls
from webui.ui.models_tab import downloadable
from webui.ui.page import build_page, launch_options
from webui.ui.speak_form import FORM_FIELDS, with_controls
from webui.ui.speak_tab import SpeakTab, examples_of
from webui.ui.status_strip import strip_words
from webui.ui.studio import ANY_VOICE, open_studio
from webui.ui.takes import new_owner


@pytest.fixture
def tab(studio):
    with gr.Blocks(analytics_enabled=False):
        return SpeakTab(studio)


def values(**changes):
    plain = replace(with_controls(SpeechControls()), text="Good morning.", family="mini")
    return replace(plain, **changes).values()


@pytest.fixture
def request_like():
    """Handlers ask a request for nothing but the page's key."""
    return gr.Request(session_hash="p")


def test_speaking_fills_the_list_and_choosing_a_take_restores_its_settings(tab, request_like):
    owner = new_owner()
    spoken = list(tab.speak(request_like, owner, *values(voice="ada-11111111", max_seconds=9)))
    assert spoken[-1][tab.widgets.speak].interactive
    event = gr.SelectData(None, {"index": [0, 0], "value": "1", "row_value": ["1", "x"]})
    restored = tab.choose_take(event, owner)
    form = dict(zip(FORM_FIELDS, restored, strict=False))
    assert form["text"] == "Good morning."
    assert form["seed"] == 62_422
    assert form["max_seconds"] == 9
    assert form["voice"].value == "ada-11111111"


@pytest.mark.parametrize("row", [[], ["x"], ["-1"], ["99"], None, [["1"]]])
def test_a_row_that_is_no_take_is_refused(tab, row):
    event = gr.SelectData(None, {"index": [0, 0], "value": "1", "row_value": row})
    with pytest.raises(StorageError):
        tab.choose_take(event, new_owner())


def test_the_stop_button_is_seen_only_while_something_runs(tab, request_like):
    changes = list(tab.speak(request_like, new_owner(), *values()))
    stops = [change[tab.widgets.stop].visible for change in changes if tab.widgets.stop in change]
    assert stops[0] is True
    assert stops[-1] is False


def test_a_visitor_without_a_secret_is_asked_to_reload(tab, request_like):
    told = list(tab.speak(request_like, "nobody", *values()))
    assert "reload" in told[0][tab.widgets.status]


def test_choosing_a_family_refills_its_voices_and_keeps_the_text_alone(tab):
    updates = dict(zip(FORM_FIELDS, tab.choose_family(*values(voice="gone")), strict=False))
    offered = [identity for _, identity in updates["voice"].choices]
    assert offered == [ANY_VOICE, "bob-22222222", "ada-11111111"]
    assert updates["voice"].value == ANY_VOICE
    assert updates["text"] == gr.skip()


@pytest.mark.parametrize("index", [-1, 1, "0", None, True, [0]])
def test_an_example_that_is_not_there_is_refused(tab, index):
    assert tab.choose_example(0, "mini") == "Good morning to you all."
    with pytest.raises(SettingsError):
        tab.choose_example(index, "mini")


def test_examples_fit_the_chosen_family(studio):
    assert examples_of(studio, "mini") == ("Good morning to you all.",)
    assert examples_of(studio, "bark-small") == ()


@pytest.mark.parametrize(
    ("state", "moving", "button"),
    [
        ("no_model", False, "Get the real Bark"),
        ("downloading", True, "Models"),
        ("loading", True, "Models"),
        ("ready", False, "Models"),
        ("busy", True, "Models"),
        ("asleep", False, "Models"),
        ("failed", False, "Models"),
    ],
)
def test_the_strip_has_words_for_every_state(studio, service, state, moving, button):
    service.state_now = ServiceStatus(state, "In <b>words", "detail", 0.4, family="bark-small")
    strip = strip_words(studio)
    assert strip.words.startswith("**In &lt;b\\>words** 40% · detail")
    assert (strip.moving, strip.button) == (moving, button)


def test_the_strip_says_that_mini_is_a_demonstration(studio):
    strip = strip_words(studio)
    assert "demonstration family" in strip.words
    assert strip.button == "Get the real Bark"


def components(page, kind):
    return [block for block in page.blocks.values() if isinstance(block, kind)]


@pytest.fixture
def page(studio):
    return build_page(studio)


def test_no_event_of_the_page_is_a_public_endpoint(page):
    open_ones = {each.api_name for each in page.fns.values() if each.api_visibility != "private"}
    assert open_ones == {"speak", "clone", "report", "voices", "families"}  # for programs
    assert page.api_open is False


def test_no_voice_is_written_into_the_page_that_everybody_gets(page):
    assert "bob-22222222" not in str(page.get_config_file())
    assert "Ada" not in str(page.get_config_file())


def test_every_input_has_a_label(page):
    kinds = (gr.Textbox, gr.Dropdown, gr.Slider, gr.Number, gr.Checkbox, gr.Radio, gr.Audio)
    unlabelled = [each for each in components(page, kinds) if each.visible and not each.label]
    assert [each for each in unlabelled if each.elem_id] == []


def test_every_control_has_a_line_that_explains_it(page):
    assert len(components(page, gr.Slider)) >= 16
    assert all(each.info for each in components(page, (gr.Slider, gr.Number, gr.Checkbox)))


def test_launching_leaves_everything_off_that_was_not_asked_for():
    options = launch_options(Settings())
    assert (options["ssr_mode"], options["run_history"], options["show_error"]) == (False,) * 3
    assert options["allowed_paths"] == []
    assert options["share"] is False
    assert options["max_file_size"] == 2 * 2**30
    assert options["app_kwargs"]["middleware"]


def test_a_page_that_takes_its_time_to_answer_is_served_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(gr.networking, "url_ok", lambda url: False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Markdown("There I am.")
    page.launch(prevent_thread_lock=True, **launch_options(Settings()) | {"server_port": None})
    try:
        assert "There I am." in httpx.get(f"{page.local_url}config", timeout=30).text
    finally:
        page.close(verbose=False)


def test_a_page_for_strangers_remembers_more_of_them_who_have_it_open():
    local, public = launch_options(Settings()), launch_options(replace(Settings(), public=True))
    assert 0 < local["state_session_capacity"] < public["state_session_capacity"] <= 10_000


@pytest.mark.parametrize("reached", [{"public": True}, {"auth": ("a", "b")}, {"share": True}])
def test_who_comes_from_elsewhere_may_send_small_files_only(reached):
    options = launch_options(replace(Settings(), **reached))
    assert options["max_file_size"] == 25 * 2**20


def handler(page, name):
    return next(each.fn for each in page.fns.values() if getattr(each.fn, "__name__", "") == name)


def test_size_and_licence_are_shown_before_a_download(page, studio):
    words, button = handler(page, "choose_family_to_download")("bark-small")
    assert "1\\.7 GB" in words
    assert "Licence: MIT" in words
    assert button.value == "Download Bark small (1.7 GB, MIT)"
    begun = handler(page, "begin")("bark-small")
    assert begun[0].interactive is False
    assert studio.downloads.wait(10)


@pytest.mark.parametrize("family", ["mini", "nothing", None, ["bark-small"]])
def test_what_cannot_be_downloaded_is_refused(page, studio, family):
    with pytest.raises(gr.Error):
        handler(page, "begin")(family)
    assert not studio.downloads.running


def test_visitors_of_a_public_page_download_nothing_and_see_no_own_voices(
    service, settings, tmp_path
):
    public = open_studio(service, replace(settings, public=True), tmp_path)
    page = build_page(public)
    with pytest.raises(gr.Error, match="whoever runs"):
        handler(page, "begin")("bark-small")
    listed = handler(page, "filter")("")[-1]
    assert listed == ("ada-11111111",)


@pytest.mark.parametrize(
    ("identity", "state", "is_offered"),
    [
        ("bark-small", "available", True), ("bark-small", "damaged", True),
        ("bark-small", "installed", False), ("mini", "damaged", False),
    ],
)  # fmt: skip
def test_a_family_that_is_missing_or_damaged_can_be_brought(
    studio, service, identity, state, is_offered
):
    known = service.family(identity)
    service._families = {identity: replace(known, state=state, broken="It is damaged.")}
    assert (identity in {family.id for family in downloadable(studio)}) == is_offered
