"""The whole app in a real browser: the page, the service, the engine and the built-in family."""

import numpy as np
import pytest

from tests.e2e.conftest import free_port, running
from tests.e2e.page_steps import (
    in_table,
    open_page,
    sound_of_take,
    speak,
    status,
    wait_for_end,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LONG = " ".join(["The moon is bright and the night is cold."] * 12)


@pytest.fixture(scope="module")
def real_page(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    port = free_port()
    words = ("app.py", "--port", str(port), "--family", "mini", "--threads", "1")
    places = ("--speakers-dir", str(folder / "speakers"), "--outputs-dir", str(folder / "outputs"))
    with running(*words, *places, "--data-dir", str(folder / "state"), port=port) as address:
        yield address


def is_speech(sound, rate):
    """Louder than silence for at least a second, and not one tone or noise at one level."""
    frames = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    levels = np.sqrt(np.mean(np.square(frames), axis=1))
    loud = levels > 0.02
    return loud.sum() * 320 / rate > 1.0 and levels.std() > 0.01 and np.abs(sound).max() <= 1.0


def test_open_speak_and_hear_the_built_in_family(visitor, real_page):
    page = open_page(visitor, real_page)
    assert "demonstration family" in page.inner_text("#strip-words")
    speak(page, "Good morning, how are you today?")
    wait_for_end(page)
    assert status(page).startswith("Done")
    sound, rate = sound_of_take(page)
    assert rate == 16_000
    assert is_speech(sound, rate)


def test_an_example_is_chosen_and_spoken_in_a_named_voice(visitor, real_page):
    page = open_page(visitor, real_page)
    page.get_by_role("tab", name="Speaker Library").click()
    in_table(page, "#voices", "Ada").click()
    page.wait_for_selector("#preview")
    page.get_by_role("button", name="Use this voice").click()
    page.wait_for_function("document.querySelector('#speak-voice input').value.startsWith('Ada')")
    example = page.locator("#examples button").first
    example.click()
    page.wait_for_function("document.querySelector('#speak-text textarea').value.length > 5")
    page.click("#speak-button")
    wait_for_end(page)
    assert is_speech(*sound_of_take(page))


def test_stop_ends_the_work_and_the_next_text_is_spoken(visitor, real_page):
    page = open_page(visitor, real_page)
    speak(page, LONG)
    page.wait_for_function(
        "/Sentence [2-9] of/.test(document.querySelector('#speak-status').innerText)"
    )
    page.click("#stop-button")
    wait_for_end(page)
    assert status(page).startswith("Stopped")
    speak(page, "I am here.")
    page.wait_for_selector("#stop-button")
    wait_for_end(page)
    assert status(page).startswith("Done")
