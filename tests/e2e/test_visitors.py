"""Two visitors of a public page, in two browsers: nothing of one reaches the other."""

import os
import urllib.request

import pytest

from tests.e2e.conftest import free_port, running, running_fake_page
from tests.e2e.page_steps import in_table, open_page, sound_of_take, speak, status, wait_for_end

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SECRET, TEXT = "Zwetschge", "Nobody but me has a plum at night."


# Every answer that scripts of the page get, streams too: they never end, so they are read along.
LISTEN = """
window.heard = [];
const fetched = window.fetch;
window.fetch = async (...asked) => {
  const answer = await fetched(...asked);
  const reader = answer.clone().body?.getReader(), decoder = new TextDecoder();
  const follow = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      window.heard.push(decoder.decode(part.value, { stream: true }));
    }
  };
  if (reader) follow().catch(() => {});
  return answer;
};
const Source = window.EventSource;
window.EventSource = class extends Source {
  constructor(...asked) {
    super(...asked);
    this.addEventListener("message", (event) => window.heard.push(event.data));
  }
};
"""


def all_heard(page) -> str:
    """All that was answered to a page since it was opened, and all that it shows."""
    return page.content() + page.evaluate("window.heard.join('\\n')")


def open_library(page):
    page.get_by_role("tab", name="Speaker Library").click()
    page.wait_for_selector("#voices", state="visible")


def own_voice(page, name):
    """Make a copy of a built-in voice and give it a name."""
    open_library(page)
    in_table(page, "#voices", "Ada").click()
    page.wait_for_function("document.querySelector('#voice-details').innerText.includes('Ada')")
    page.click("#duplicate-voice")
    page.wait_for_function(
        "document.querySelector('#library-status').innerText.includes('This is your copy')"
    )
    page.locator("#about-voice button").first.click()
    page.fill("#voice-name input, #voice-name textarea", name)
    page.click("#save-about")
    in_table(page, "#voices", name).wait_for()


def use_and_speak(page, name, text):
    page.click("#use-voice")
    page.wait_for_function(
        "name => document.querySelector('#speak-voice input').value.includes(name)", arg=name
    )
    speak(page, text)
    wait_for_end(page)


@pytest.fixture(scope="module")
def space_page(browser):
    """The configuration of a Space, over the scripted service."""
    with running_fake_page("space") as address:
        yield address


@pytest.fixture
def stranger(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()


def configuration(address) -> str:
    with urllib.request.urlopen(f"{address}config", timeout=10) as answer:  # noqa: S310  our own
        return answer.read().decode()


def assert_unseen(stranger, address):
    page = stranger.new_page()
    page.add_init_script(LISTEN)
    page.goto(address)
    page.wait_for_selector("#speak-button:not([disabled])")
    page.click("#speak-voice input")
    page.get_by_role("option", name="Ada").first.wait_for()
    page.keyboard.press("Escape")
    open_library(page)
    in_table(page, "#voices", "Ada").wait_for()
    page.wait_for_timeout(1_000)
    heard = all_heard(page)
    assert "Ada" in heard
    assert "process_completed" in heard  # the streams were heard
    assert SECRET not in heard
    assert TEXT not in heard
    assert SECRET not in configuration(address)
    return page


def test_a_visitors_voice_and_text_reach_no_other_browser(visitor, stranger, space_page):
    visitor.add_init_script(LISTEN)
    page = open_page(visitor, space_page)
    assert "Nobody else sees" in page.inner_text("#shared-note")
    assert page.get_by_role("tab", name="Train").count() == 0
    own_voice(page, SECRET)
    use_and_speak(page, SECRET, TEXT)
    assert status(page).startswith("Done")
    assert SECRET in page.evaluate("window.heard.join('')")  # or the next line proves nothing
    assert_unseen(stranger, space_page)
    page.reload()
    page.wait_for_selector("#speak-button:not([disabled])")
    open_library(page)
    in_table(page, "#voices", SECRET).wait_for()


def test_forget_me_removes_it_all_and_the_page_begins_anew(visitor, space_page):
    page = open_page(visitor, space_page)
    own_voice(page, SECRET)
    use_and_speak(page, SECRET, TEXT)
    open_library(page)
    page.locator("#kept-of-you button").first.click()
    page.click("#forget-me")
    page.click("#forget-yes")
    page.wait_for_function(
        "document.querySelector('#speak-text textarea')?.value === ''"
        " && !document.body.innerText.includes('Everything of yours')"
    )
    page.wait_for_selector("#speak-button:not([disabled])")
    open_library(page)
    in_table(page, "#voices", "Ada").wait_for()
    assert SECRET not in page.content()
    assert page.locator("#takes").is_hidden()


def test_a_text_that_is_too_long_for_the_hardware_is_told_before_and_refused(visitor, space_page):
    page = open_page(visitor, space_page)
    page.fill("#speak-text textarea", "This is far too long. " * 20)
    page.wait_for_function("document.querySelector('#text-facts').innerText.includes('too long')")
    page.click("#speak-button")
    page.wait_for_function(
        "document.querySelector('#speak-status').innerText.includes('the limit here is 300')"
    )


def test_the_same_holds_for_the_whole_app_as_it_runs_on_a_space(
    visitor, stranger, tmp_path, monkeypatch
):
    monkeypatch.setenv("SPACE_ID", "someone/bark")
    port = free_port()
    places = ("--speakers-dir", str(tmp_path / "speakers"), "--outputs-dir", str(tmp_path / "out"))
    words = ("app.py", "--host", "127.0.0.1", "--port", str(port), "--threads", "1", *places)
    assert "SPACE_ID" in os.environ
    visitor.set_default_timeout(90_000)
    stranger.set_default_timeout(90_000)
    with running(*words, "--data-dir", str(tmp_path / "state"), port=port) as address:
        page = open_page(visitor, address)
        own_voice(page, SECRET)
        use_and_speak(page, SECRET, TEXT)
        assert status(page).startswith("Done")
        assert abs(sound_of_take(page)[0]).max() > 0.02
        assert_unseen(stranger, address)
    assert not list(tmp_path.rglob("*.npz"))
    assert not list(tmp_path.rglob("*.wav"))
