"""The page in a real browser, over a service that speaks a sine wave."""

import shutil
import urllib.request
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from tests.e2e.page_steps import (
    in_table,
    open_page,
    sound_of_take,
    speak,
    status,
    type_text,
    wait_for_end,
    wait_until_filled,
)
from webui.audio import read_metadata

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LIVE_TIME = "document.querySelector('#live audio')?.currentTime > 0"
MANY = " ".join(f"This is sentence {number}, said slowly." for number in range(12))


@pytest.fixture
def page(lasting_page, fake_page):
    """The page, as the test before left it, and on which nothing was spoken yet."""
    return lasting_page.opened_by(open_page, fake_page)


def test_open_speak_and_hear_a_wav_with_speech(visitor, fake_page):
    page = open_page(visitor, fake_page)
    speak(page, "Good morning. How are you.")
    wait_for_end(page)
    sound, rate = sound_of_take(page)
    assert rate == 16_000
    assert len(sound) / rate == pytest.approx(0.8, abs=0.01)
    assert abs(sound).max() > 0.1
    assert "Seed 62422" in status(page)


BUSY = """() => { document.querySelector('#speak-button').click(); return new Promise((done) =>
  setTimeout(() => { const end = Date.now() + 3000; while (Date.now() < end); done(); }, 300)); }"""


def test_a_browser_that_was_busy_gets_all_messages_at_once_and_shows_the_take(visitor, fake_page):
    page = open_page(visitor, fake_page)
    type_text(page, "Good morning. How are you.")
    page.evaluate(BUSY)
    wait_for_end(page)
    assert len(sound_of_take(page)[0])
    page.wait_for_selector("#download-mp3")
    in_table(page, "#takes", "Good morning.").wait_for()


def test_sound_comes_while_the_rest_is_still_being_made_and_stop_ends_it(visitor, fake_page):
    page = open_page(visitor, fake_page)
    assert page.locator("#stop-button").is_hidden()
    speak(page, MANY)
    page.wait_for_selector("#stop-button")
    assert page.locator("#speak-button").is_disabled()
    page.wait_for_function(
        "/Sentence \\d+ of 12/.test(document.querySelector('#speak-status').innerText)"
    )
    if shutil.which("ffmpeg"):
        page.wait_for_function(LIVE_TIME)
        assert page.locator("#stop-button").is_visible()
    page.click("#stop-button")
    wait_for_end(page)
    assert status(page).startswith("Stopped")
    sound, rate = sound_of_take(page)
    assert 0 < len(sound) / rate < 12 * 0.4
    assert page.locator("#speak-button").is_enabled()


def test_a_reload_keeps_the_draft_and_the_takes(visitor, fake_page):
    page = open_page(visitor, fake_page)
    speak(page, "The first text.")
    wait_for_end(page)
    type_text(page, "A text that is not spoken yet")
    page.wait_for_timeout(500)
    page.reload()
    wait_until_filled(page)
    page.wait_for_function("document.querySelector('#speak-text textarea').value.length > 0")
    assert page.input_value("#speak-text textarea") == "A text that is not spoken yet"
    in_table(page, "#takes", "The first text.").click()
    page.wait_for_function("document.querySelector('#speak-text textarea').value[0] === 'T'")
    assert sound_of_take(page)[1] == 16_000


def test_a_second_visitor_sees_none_of_the_first_ones_takes(browser, visitor, fake_page):
    first = open_page(visitor, fake_page)
    speak(first, "Only for me.")
    wait_for_end(first)
    stranger = browser.new_context()
    try:
        second = open_page(stranger, fake_page)
        second.wait_for_timeout(1_000)
        assert second.locator("#takes").is_hidden()
        assert "Only for me" not in second.content()
        assert second.input_value("#speak-text textarea") == ""
    finally:
        stranger.close()


def test_the_files_to_take_away_hold_the_settings(visitor, fake_page, tmp_path):
    page = open_page(visitor, fake_page)
    speak(page, "Keep me.")
    wait_for_end(page)
    for name in ("wav", "flac", "mp3"):
        with page.expect_download() as waiting:
            page.click(f"#download-{name}")
        target = tmp_path / f"take.{name}"
        waiting.value.save_as(target)
        assert waiting.value.suggested_filename.endswith(f"-seed-62422.{name}")
        assert read_metadata(target)["text"] == "Keep me."


def test_a_file_that_is_dropped_gives_its_text_back(visitor, fake_page, tmp_path):
    page = open_page(visitor, fake_page)
    speak(page, "Remember me.")
    wait_for_end(page)
    with page.expect_download() as waiting:
        page.click("#download-flac")
    waiting.value.save_as(tmp_path / "take.flac")
    type_text(page, "Something else")
    page.set_input_files("#recipe-drop input[type=file]", tmp_path / "take.flac")
    page.wait_for_function(
        "document.querySelector('#recipe-status').innerText.includes('take.flac is back')"
    )
    assert page.input_value("#speak-text textarea") == "Remember me."
    # The zone is empty again: the next file can be dropped.
    page.wait_for_selector("#recipe-drop input[type=file]", state="attached")


def test_a_voice_of_the_library_is_heard_and_then_used(page):
    page.get_by_role("tab", name="Speaker Library").click()
    in_table(page, "#voices", "Ada").click()
    page.wait_for_selector("#preview")
    page.get_by_role("button", name="Use this voice").click()
    page.wait_for_selector("#speak-text textarea", state="visible")
    page.wait_for_function("document.querySelector('#speak-voice input').value.startsWith('Ada')")


def test_an_empty_text_is_answered_in_words(page):
    page.click("#speak-button")
    page.wait_for_function(
        "document.querySelector('#speak-status').innerText.includes('Type something')"
    )
    page.wait_for_selector("#speak-button:not([disabled])")


def test_ctrl_enter_speaks(visitor, fake_page):
    page = open_page(visitor, fake_page)
    type_text(page, "By the keyboard.")
    page.press("#speak-text textarea", "Control+Enter")
    wait_for_end(page)


def test_the_real_family_is_one_button_away_with_its_size_and_licence(page):
    assert "demonstration family" in page.inner_text("#strip-words")
    page.get_by_role("button", name="Get the real Bark").click()
    page.wait_for_selector("#download-start")
    assert page.inner_text("#download-start") == "Download Bark small (1.7 GB, MIT)"
    page.click("#download-start")
    page.wait_for_function(
        "document.querySelector('#strip-words').innerText.includes('Downloading')"
    )
    page.wait_for_function(
        "document.querySelector('#download-note').innerText.includes('is here and can speak')"
    )


def test_the_page_asks_no_other_host_for_anything(visitor, fake_page):
    hosts = set()
    page = visitor.new_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(fake_page)
    wait_until_filled(page)
    speak(page, "Nobody else hears this.")
    wait_for_end(page)
    page.wait_for_timeout(1_000)
    assert hosts - {""} == {urlsplit(fake_page).netloc}


def test_nothing_is_wider_than_a_phone(browser, fake_page):
    phone = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        page = open_page(phone, fake_page)
        for tab in ("Text-to-Speech", "Voice Clone", "Speaker Library", "Models & settings"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        phone.close()


def test_the_first_steps_do_what_they_say_and_stay_closed(visitor, fake_page):
    page = open_page(visitor, fake_page)
    page.get_by_role("button", name="Hear an example").click()
    wait_for_end(page)
    assert page.input_value("#speak-text textarea") == "Good morning to you all."
    page.get_by_role("button", name="Open the library").click()
    page.wait_for_selector("#voices", state="visible")
    page.get_by_role("tab", name="Text-to-Speech").click()
    page.get_by_role("button", name="Make a clone").click()
    page.wait_for_selector("#clone-button", state="visible")
    page.get_by_role("tab", name="Text-to-Speech").click()
    page.get_by_role("button", name="Close the first steps").click()
    page.wait_for_selector("#first-steps", state="hidden")
    assert page.evaluate("document.activeElement.closest('#speak-text') !== null")
    page.reload()
    wait_until_filled(page)
    page.wait_for_timeout(500)
    assert page.locator("#first-steps").is_hidden()


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}], ids=["name", "site"]
)
def test_a_strange_name_or_site_is_turned_away(fake_page, headers):
    asked = urllib.request.Request(  # noqa: S310  our own address
        f"{fake_page}gradio_api/queue/join", b"{}", headers | {"Content-Type": "application/json"}
    )
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=10)  # noqa: S310
    assert refused.value.code == 403
    refused.value.close()
