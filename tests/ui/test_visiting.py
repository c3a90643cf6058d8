"""A public page: every handler sees the voices of the visitor who uses it, and no others."""

import asyncio
import inspect
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from tests.ui.clone_values import clip, filled
from webui.errors import StorageError, VoiceNotFoundError
from webui.synthesis.controls import SpeechControls
from webui.ui.clone_form import CLONE_FIELDS
from webui.ui.clone_tab import CloneTab
from webui.ui.forgetting import forget
from webui.ui.library_tab import LibraryTab
from webui.ui.owners import account_key, account_of, can_sign_in, owner_of
from webui.ui.page import build_page
from webui.ui.speak_form import with_controls
from webui.ui.speak_tab import SpeakTab
from webui.ui.studio import Studio, open_studio
from webui.ui.take_voice import keep_take, keeping_updates
from webui.ui.takes import is_owner, is_secret, new_owner
from webui.ui.visiting import seen_by, visited

ADA, BOB = "ada-11111111", "bob-22222222"


@pytest.fixture
def public(service, settings, tmp_path) -> Studio:
    return open_studio(service, replace(settings, public=True), tmp_path / "takes")


@pytest.fixture
def anna():
    return new_owner()


@pytest.fixture
def stranger():
    return new_owner()


@pytest.fixture
def tab(public):
    with gr.Blocks(analytics_enabled=False):
        return LibraryTab(public)


def names(studio, owner) -> list[str]:
    return [voice.name for voice in studio.for_visitor(owner).visible_voices()]


def copied(tab, owner) -> str:
    """A visitor makes a voice of their own on the library tab."""
    card = visited(tab.actions.duplicate)(owner, ADA)
    return card[tab.widgets.chosen]


def spoken(public, owner, **changes):
    with gr.Blocks(analytics_enabled=False):
        speak_tab = SpeakTab(public)
    form = replace(with_controls(SpeechControls()), text="Good morning.", family="mini", **changes)
    return list(speak_tab.speak(gr.Request(session_hash="p"), owner, *form.values()))


def test_a_voice_of_ones_own_is_listed_chosen_and_spoken_with_by_its_visitor_alone(
    public, tab, service, anna, stranger
):
    own = copied(tab, anna)
    assert names(public, anna) == ["Ada", "Ada (copy)"]
    assert names(public, stranger) == names(public, "") == ["Ada"]
    spoken(public, anna, voice=own)
    assert service.orders[-1].voice == own
    assert service.orders[-1].speaker is not None
    told = spoken(public, stranger, voice=own)
    assert len(service.orders) == 1
    assert "no longer there" in str(list(told[-1].values()))


def test_a_built_in_voice_is_named_and_sent_without_arrays(public, service, anna):
    spoken(public, anna, voice=ADA)
    assert (service.orders[-1].voice, service.orders[-1].speaker) == (ADA, None)


@pytest.mark.parametrize("action", ["toggle_favourite", "duplicate", "repair", "delete"])
def test_another_visitors_voice_cannot_be_touched(tab, anna, stranger, action):
    own = copied(tab, anna)
    with pytest.raises(VoiceNotFoundError):
        visited(getattr(tab.actions, action))(stranger, own)
    assert visited(tab.filter)(anna)[-1] == (own, ADA)
    assert visited(tab.filter)(stranger)[-1] == (ADA,)


def test_the_owner_of_the_pages_voices_are_nobodys(public, tab, service, anna):
    assert BOB in {voice.id for voice in service.voices()}
    assert BOB not in visited(tab.filter)(anna)[-1]
    with pytest.raises(VoiceNotFoundError):
        visited(tab.actions.delete)(anna, BOB)


def test_who_has_no_key_may_look_and_listen_but_keep_nothing(tab):
    assert visited(tab.filter)("")[-1] == (ADA,)
    *_, heard = visited(tab.hearing.play)("", ADA)
    assert heard[tab.widgets.player].visible
    for key in ("", None, "x", {"a": 1}):
        with pytest.raises(StorageError, match="reload the page"):
            visited(tab.actions.duplicate)(key, ADA)


def test_a_kept_clone_is_the_visitors_and_its_file_can_be_saved(
    public, service, anna, stranger, tmp_path
):
    with gr.Blocks(analytics_enabled=False):
        clone_tab = CloneTab(public)
    form = filled(clip(tmp_path))
    values = [getattr(form, each) for each in CLONE_FIELDS]
    *_, shown = clone_tab.clone(gr.Request(session_hash="p"), anna, *values)
    assert shown[clone_tab.result.first.save].visible
    key = shown[clone_tab.keeping.key]
    with pytest.raises(StorageError):
        clone_tab.keeping.keep(stranger, key, 0, "Mine", [])
    voice, saved, *_ = clone_tab.keeping.keep(anna, key, 0, "Anna", [])
    assert "here for a day" in saved.value
    assert "Anna" in names(public, anna)
    assert "Anna" not in names(public, stranger)
    assert service.kept_clones == []
    assert public.for_visitor(anna).visible_voice(voice, "mini").method == "quantizer"


def test_a_take_becomes_a_voice_of_its_visitor(public, anna, stranger):
    spoken(public, anna)
    take = public.shelf.list(anna)[0]
    assert keeping_updates(public, take)[0].visible
    keep_take(public, anna, 1, "Morning")
    assert "Morning" in names(public, anna)
    with pytest.raises(StorageError):
        keep_take(public, stranger, 1, "Mine")


def test_forgetting_removes_takes_clones_voices_and_files_of_one_visitor(
    public, tab, anna, stranger, tmp_path
):
    for owner in (anna, stranger):
        spoken(public, owner)
        copied(tab, owner)
    before = len(list((tmp_path / "takes").rglob("*.*")))
    forget(public, anna, "p")
    assert (public.shelf.list(anna), names(public, anna)) == ((), ["Ada"])
    assert (len(public.shelf.list(stranger)), len(names(public, stranger))) == (1, 2)
    assert len(list((tmp_path / "takes").rglob("*.*"))) == before // 2


def test_forgetting_stops_what_is_being_spoken_first(public, anna):
    token = public.desk.start("p")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webui.ui.forgetting.PATIENCE_SECONDS", 0.0)
        with pytest.raises(StorageError, match="still being stopped"):
            forget(public, anna, "p")
    assert token.cancelled
    public.desk.finish("p", token)
    forget(public, anna, "p")


def test_a_browser_cannot_claim_an_accounts_key(anna):
    key = account_key("Anna")
    assert is_owner(key)
    assert not is_secret(key)
    assert owner_of(key) not in ("", key)
    assert owner_of(anna) == anna
    assert owner_of(anna, "anna") == key
    assert account_key("bob") != key


@pytest.mark.parametrize(
    ("session", "account"),
    [
        ({}, None),
        ({"oauth_info": {"userinfo": {"preferred_username": "anna"}}}, "anna"),
        ({"oauth_info": {"expires_at": 1, "userinfo": {"preferred_username": "anna"}}}, None),
        ({"oauth_info": {"expires_at": 2**40, "userinfo": {}}}, None),
    ],
)
def test_the_account_is_the_one_of_the_signed_session_while_it_lasts(session, account):
    assert account_of(gr.Request(request=SimpleNamespace(session=session))) == account


def test_visitors_sign_in_only_where_the_space_has_it(settings, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert can_sign_in(replace(settings, signs_in=True))
    assert not can_sign_in(settings)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not can_sign_in(replace(settings, signs_in=True))


def test_accounts_are_told_that_their_voices_last(public, monkeypatch):
    monkeypatch.setattr("webui.ui.library_tab.can_sign_in", lambda settings: True)
    told = {}
    for repo in (None, "someone/voices"):
        settings = replace(public.settings, signs_in=True, voices_repo=repo)
        with gr.Blocks(analytics_enabled=False) as page:
            LibraryTab(replace(public, settings=settings))
        told[repo] = any(
            isinstance(each, gr.Markdown) and "private dataset" in str(each.value)
            for each in page.blocks.values()
        )
    assert told == {None: False, "someone/voices": True}


def test_no_browser_can_send_the_key_of_another_visitor(public, tab, anna):
    """The key is made when the page opens and stays here: what a browser sends is not looked at."""
    copied(tab, anna)
    page = build_page(public)
    listing = next(
        each for each in page.fns.values() if getattr(each.fn, "__name__", "") == "filter"
    )
    session = SessionState(page)

    def received(value: object) -> object:
        sent = [value, *(None for _ in listing.inputs[1:])]
        return asyncio.run(page.preprocess_data(listing, sent, session))[0]

    assert received(anna) == ""
    session[listing.inputs[0]._id] = "kept here"
    assert received(anna) == "kept here"


def test_every_event_that_keeps_or_shows_voices_asks_for_the_key_first(public):
    page = build_page(public)
    key = next(each for each in page.blocks.values() if isinstance(each, gr.State)
               and each.value == "")  # fmt: skip
    asking = {
        each.fn.__name__
        for each in page.fns.values()
        if each.fn is not None and each.inputs and each.inputs[0] is key
    }
    assert asking >= {
        "filter", "refill", "choose", "play", "read_line", "use", "offer", "toggle_favourite",
        "save_about", "delete", "undo", "duplicate", "repair", "keep_cut", "keep_blend",
        "import_files", "choose_family", "choose_take", "speak", "clone", "keep", "look", "forget",
    }  # fmt: skip


def test_on_a_local_page_a_tab_is_itself_for_everybody(studio, anna):
    with gr.Blocks(analytics_enabled=False):
        local = LibraryTab(studio)
    assert seen_by(local, anna) is local
    assert visited(local.filter)(anna)[-1] == local.filter()[-1]


def test_gradio_sees_the_visitors_key_among_the_values_of_a_handler(tab):
    for handler, first in ((tab.choose, ["event", "visitor"]), (tab.filter, ["visitor", "values"])):
        assert list(inspect.signature(visited(handler)).parameters)[:2] == first
    assert visited(tab.choose).__annotations__["event"] is gr.SelectData


def test_a_page_that_opens_shows_a_visitor_their_own_voices(public, tab, anna):
    own = copied(tab, anna)
    page = build_page(public)
    fns = [each.fn for each in page.fns.values() if each.fn is not None]
    opened = next(each for each in fns if each.__name__ == "open")
    request = gr.Request(session_hash="p")
    mine, theirs = (opened(request, owner, None) for owner in (anna, new_owner()))
    assert mine[:2] == [anna, anna]
    assert own in str(mine)
    assert own not in str(theirs)
    assert "Ada (copy)" not in str(page.get_config_file())
