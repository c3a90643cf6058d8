"""The handlers of the Train tab as Gradio calls them."""

from dataclasses import replace

import gradio as gr
import pytest

from tests.ui.clone_values import clip
from tests.ui.test_training_form import PLAIN
from webui.backend.requests import TrainingOrder
from webui.errors import EngineError, TrainingError, UserError
from webui.ui.models_tab import facts
from webui.ui.page import build_page
from webui.ui.studio import open_studio
from webui.ui.training_form import TRAINING_FIELDS
from webui.ui.training_pairs import pairs_key
from webui.ui.training_rivals import rivals_key
from webui.ui.training_tab import TrainingTab


@pytest.fixture
def tab(studio):
    with gr.Blocks(analytics_enabled=False):
        return TrainingTab(studio)


@pytest.fixture
def desk(service):
    service.training.moves = False
    return service.training


@pytest.fixture
def request_like():
    return gr.Request(session_hash="p")


def values(**changes):
    form = replace(PLAIN, **changes)
    return [getattr(form, each) for each in TRAINING_FIELDS]


def made(desk, name="German 1"):
    """A finished training; gives its id."""
    list(desk.start(TrainingOrder(name, "mini", "de", 500)))
    return next(each.info.id for each in desk.known.values() if each.info.name == name)


def rows(table):
    return [each for each in table.value["data"] if any(each)]


def picked(row):
    return gr.SelectData(None, {"index": [row, 0], "value": "x", "row_value": []})


def test_starting_shows_the_work_and_who_may_stop_it(tab, desk):
    shown, widgets = tab.start(*values()), tab.widgets
    assert desk.orders == [TrainingOrder("German 1", "mini", "de")]
    assert shown[tab.chosen] == "german-1"
    assert shown[widgets.start].interactive is False
    assert shown[widgets.stop].visible
    assert "Speaking pairs" in shown[widgets.status]
    assert rows(shown[widgets.table]) == [["German 1", "German", "at work, 0%", "0", ""]]
    assert not shown[widgets.use].visible
    assert not shown[widgets.delete].visible


def test_a_form_that_cannot_be_used_starts_nothing(tab, desk):
    with pytest.raises(UserError):
        tab.start(*values(name=""))
    with pytest.raises(TrainingError):
        tab.start(*values(name="A" * 65))
    assert desk.orders == []
    checks = tab.validate(*values(name=""))
    assert [each["is_valid"] for each in checks] == [False, *[True] * (len(checks) - 1)]


def test_stopping_asks_the_training_at_work_to_stop(tab, desk):
    tab.start(*values())
    assert "Stopping" in tab.stop("german-1")[tab.widgets.status]
    assert desk.known["german-1"].info.state == "stopped"
    shown = tab.follow("german-1", None)
    assert "are kept" in shown[tab.widgets.status]
    assert shown[tab.widgets.go_on].visible
    assert tab.stop("german-1")[tab.widgets.start].interactive


def test_what_has_not_changed_is_not_shown_again(tab, desk):
    shown = tab.start(*values())
    again = tab.follow("german-1", shown[tab.seen])
    assert list(again) == [tab.seen]
    desk.stop("german-1")
    assert tab.widgets.status in tab.follow("german-1", shown[tab.seen])


def test_the_curve_and_the_card_follow_the_work(tab, desk):
    tab.start(*values())
    for _ in range(4):
        desk._move(desk.known["german-1"])
    shown = tab.follow("german-1", None)
    assert shown[tab.widgets.picture].startswith("<svg")
    assert "Frames right so far" in shown[tab.widgets.card]
    assert shown[tab.widgets.use].visible


def test_a_stopped_training_is_continued(tab, desk):
    tab.start(*values())
    desk.stop("german-1")
    shown = tab.go_on("german-1")
    assert desk.known["german-1"].info.state == "running"
    assert shown[tab.widgets.stop].visible
    with pytest.raises(TrainingError):
        tab.go_on("nobody")


def test_one_click_lets_cloning_use_it_and_another_takes_it_away(tab, desk):
    training = made(desk)
    shown = tab.use(training)
    assert desk.known[training].info.installed == training
    assert shown[tab.widgets.use].value == "Take it away from cloning"
    assert "used for cloning" in rows(shown[tab.widgets.table])[0]
    assert tab.use(training)[tab.widgets.use].value == "Use for cloning"
    assert desk.known[training].info.installed == ""


def test_a_row_of_the_list_shows_its_card(tab, desk):
    made(desk)
    made(desk, "French 1")
    listed = ("french-1", "german-1")
    shown = tab.choose(picked(1), listed)
    assert shown[tab.chosen] == "german-1"
    assert "German 1" in shown[tab.widgets.card]
    for odd in (9, -1):
        with pytest.raises(TrainingError):
            tab.choose(picked(odd), listed)
    with pytest.raises(TrainingError):
        tab.choose(picked(0), None)


def test_its_file_is_handed_out(tab, desk):
    training = made(desk)
    button = tab.choose(picked(0), (training,))[tab.widgets.save]
    assert button.visible
    assert button.value["orig_name"] == f"{training}.safetensors"
    again = tab.choose(picked(0), (training,))[tab.widgets.save]
    assert again.value == button.value


def test_deleting_asks_first(tab, desk):
    training = made(desk)
    for sure in (False, None, "yes"):
        with pytest.raises(TrainingError, match="Tick the box"):
            tab.delete(training, sure)
    shown = tab.delete(training, True)
    assert desk.known == {}
    assert rows(shown[tab.widgets.table]) == []
    assert shown[tab.widgets.sure] is False


def test_an_opened_page_is_filled(tab, desk):
    made(desk)
    filled = dict(zip(tab.refilled(), tab.refill(), strict=True))
    assert filled[tab.widgets.family].value == "mini"
    assert [identity for _, identity in filled[tab.widgets.voices].choices] == [
        "ada-11111111", "bob-22222222",
    ]  # fmt: skip
    assert filled[tab.listed] == ("german-1",)


def test_another_family_offers_its_voices(tab):
    assert len(tab.choose_family("mini").choices) == 2
    with pytest.raises(UserError):
        tab.choose_family("nobody")


# Pairs that others made


def test_zips_of_pairs_begin_a_training_and_what_was_read_is_counted(tab, desk, request_like):
    zips = ["a.zip", "b.ZIP"]
    told = list(tab.pairs.learn(request_like, *values(layer=3), zips))
    assert [str(each) for each in desk.imported[0]] == zips
    assert desk.orders == [TrainingOrder("German 1", "mini", "de", 20, layer=3)]
    notes = [each[tab.widgets.read_note] for each in told[:-1]]
    assert notes[0] == "8 pairs of a\\.zip are read"
    assert notes[1].startswith("**22 pairs were read**; 3 dropped: 2 damaged")
    assert told[-1][tab.chosen] == "german-1"
    assert told[-1][tab.widgets.learn].interactive is False
    assert desk.is_at_work  # nobody follows it any more


@pytest.mark.parametrize(
    "files", [None, [], "a.zip", ["a.txt"], [7], ["a.zip", None], ["a.zip"] * 33]
)
def test_what_are_no_zips_is_refused_before_anything_is_read(tab, desk, request_like, files):
    with pytest.raises(TrainingError):
        list(tab.pairs.learn(request_like, *values(), files))
    assert desk.imported == []


def test_pairs_that_cannot_be_read_free_the_page_for_the_next_try(tab, desk, request_like):
    desk.failure = "Nothing usable was in these files."
    with pytest.raises(TrainingError, match="Nothing usable"):
        list(tab.pairs.learn(request_like, *values(), ["a.zip"]))
    desk.failure = None
    assert list(tab.pairs.learn(request_like, *values(), ["a.zip"]))


def test_a_closed_page_stops_the_reading_of_its_pairs(studio, request_like):
    page = build_page(studio)
    token = studio.desk.start(pairs_key("p"), "reading pairs")
    leave = next(
        each.fn for each in page.fns.values() if getattr(each.fn, "__name__", "") == "leave"
    )
    leave(request_like)
    assert token.cancelled


# Comparing


def test_two_quantizers_are_compared_on_what_was_held_out(tab, desk):
    training = made(desk)
    first, last = tab.rivals.compare(training, "mini-en")
    assert "Listening" in first
    assert "Built\\-in English hears better" in last
    assert desk.compared == [(training, "mini-en", training)]


@pytest.mark.parametrize("rival", [None, "nobody", "german-1", "builtin", 7])
def test_only_what_was_offered_is_compared(tab, desk, rival):
    training = made(desk)
    with pytest.raises(TrainingError, match="Choose the other"):
        list(tab.rivals.compare(training, rival))


def test_other_trainings_and_the_familys_quantizers_are_offered(tab, desk):
    made(desk)
    made(desk, "French 1")
    offered = tab.rivals.offered(desk.all()[0])[tab.widgets.rival]
    assert offered.choices == [("German 1", "german-1"), ("Built-in English", "mini-en")]
    assert tab.rivals.offered(None)[tab.widgets.rival].choices == []


def test_a_clip_is_cloned_with_each_of_the_two(tab, desk, service, request_like, tmp_path):
    training = made(desk)
    desk.install(training)
    path = str(clip(tmp_path))
    told = list(tab.rivals.hear(request_like, training, "mini-en", path))
    assert [each.quantizer for each in service.clone_orders] == [training, "mini-en"]
    assert [each.seed for each in service.clone_orders] == [7, 7]
    shown = {key: value for each in told for key, value in each.items()}
    assert shown[tab.widgets.first].label == "German 1"
    assert shown[tab.widgets.second].label == "Built-in English"
    assert shown[tab.widgets.first].value["orig_name"] == "audio.wav"
    assert "German 1: **This sounds like the speaker" in shown[tab.widgets.hear_note]
    assert service.kept_clones == []


def test_a_clip_needs_a_clip_and_quantizers_in_use(tab, desk, request_like, tmp_path):
    training, path = made(desk), str(clip(tmp_path))
    with pytest.raises(TrainingError, match="Use for cloning"):
        list(tab.rivals.hear(request_like, training, "mini-en", path))
    desk.install(training)
    with pytest.raises(TrainingError, match="clip first"):
        list(tab.rivals.hear(request_like, training, "mini-en", None))
    made(desk, "French 1")
    with pytest.raises(TrainingError, match="French 1"):
        list(tab.rivals.hear(request_like, training, "french-1", path))


def test_a_clone_that_fails_frees_the_page_for_the_next(tab, desk, service, request_like, tmp_path):
    training, path = made(desk), str(clip(tmp_path))
    desk.install(training)
    service.failure = "The memory is full."
    with pytest.raises(EngineError, match="memory"):
        list(tab.rivals.hear(request_like, training, "mini-en", path))
    service.failure = None
    assert list(tab.rivals.hear(request_like, training, "mini-en", path))


# The page


def test_a_closed_page_ends_its_comparison_and_leaves_the_training_at_work(
    studio, desk, request_like
):
    page = build_page(studio)
    desk.start(TrainingOrder("German 1", "mini", "de", 500))
    token = studio.desk.start(rivals_key("p"), "comparing")
    leave = next(
        each.fn for each in page.fns.values() if getattr(each.fn, "__name__", "") == "leave"
    )
    leave(request_like)
    assert token.cancelled
    assert desk.is_at_work


def test_the_line_above_the_tabs_tells_at_once_of_a_training_that_begins_or_goes_on(studio):
    events = build_page(studio).fns
    names = {key: getattr(each.fn, "__qualname__", "") for key, each in events.items()}
    for name in ("TrainingTab.start", "TrainingTab.go_on"):
        (begun,) = (key for key in names if names[key] == name)
        after = [names[key] for key, each in events.items() if each.trigger_after == begun]
        assert after == ["_Opening.follow"]


def tab_names(page):
    return [each.label for each in page.blocks.values() if isinstance(each, gr.Tab)]


def test_the_tab_is_there_for_the_owner_only_and_others_read_why(
    studio, service, settings, tmp_path
):
    assert "Train" in tab_names(build_page(studio))
    public = open_studio(service, replace(settings, public=True), tmp_path)
    page = build_page(public)
    assert "Train" not in tab_names(page)
    assert "train-start" not in {getattr(each, "elem_id", "") for each in page.blocks.values()}

    assert "not on a public page" in facts(public)
    assert "not on a public page" not in facts(studio)
