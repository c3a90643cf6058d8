"""Cloning with the whole app in a real browser: recording, check, clone, report, library."""

import numpy as np
import pytest

from tests.e2e.clone_steps import clone, consent, drop, go_to_clone_tab, open_clone_tab, status
from tests.e2e.conftest import free_port, running, speaking_into_the_microphone
from tests.e2e.page_steps import (
    in_table,
    open_page,
    sound_of,
    sound_of_take,
    speak,
    wait_for_end,
)
from webui.audio import write_audio

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
TEXT = "The moon is bright and the night is cold. I would like a cup of tea."


@pytest.fixture(scope="module")
def real_page(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    port = free_port()
    words = ("app.py", "--port", str(port), "--family", "mini", "--threads", "1")
    places = ("--speakers-dir", str(folder / "speakers"), "--outputs-dir", str(folder / "outputs"))
    with running(*words, *places, "--data-dir", str(folder / "state"), port=port) as address:
        yield address


@pytest.fixture(scope="module")
def recording(browser, real_page, tmp_path_factory):
    """Some seconds of speech of the built-in family, with a pause at the end, as a file."""
    context = browser.new_context()
    context.set_default_timeout(240_000)
    try:
        page = open_page(context, real_page)
        speak(page, TEXT)
        wait_for_end(page)
        sound, rate = sound_of_take(page)
    finally:
        context.close()
    file = tmp_path_factory.mktemp("recording") / "speaker.wav"
    write_audio(file, np.append(sound, np.zeros(rate // 2)).astype(np.float32), rate)
    return file


@pytest.fixture
def patient(visitor):
    """A visitor who waits as long as a busy machine takes."""
    visitor.set_default_timeout(240_000)
    return visitor


def is_sound(waveform) -> bool:
    return len(waveform) > 8_000 and 0.05 < np.abs(waveform).max() <= 1.0


def test_a_recording_becomes_a_voice_with_a_report_and_speaks(patient, real_page, recording):
    page = open_clone_tab(patient, real_page)
    drop(page, recording)
    assert "s of it speech" in page.inner_text("#clip-check")
    page.fill("#clone-name input", "Dora")
    consent(page)
    clone(page)
    assert status(page).startswith("Done: one voice")
    assert is_sound(sound_of(page, "#clone-reference")[0])
    assert is_sound(sound_of(page, "#clone-player-a")[0])
    report = page.inner_text("#clone-report-words")
    assert "The night is cold and the wind is strong." in report
    assert "Hz" in report
    assert page.inner_text("#clone-verdict-a").strip()
    page.wait_for_function("document.querySelector('#clone-picture img').naturalHeight > 200")
    page.click("#clone-keep-a")
    page.wait_for_selector("#clone-use")
    page.click("#clone-use")
    page.wait_for_function("document.querySelector('#speak-voice input').value.includes('Dora')")
    speak(page, "I am here.")
    wait_for_end(page)
    assert is_sound(sound_of_take(page)[0])
    page.get_by_role("tab", name="Speaker Library").click()
    in_table(page, "#voices", "Dora").wait_for()


def test_all_methods_are_compared(patient, real_page, recording):
    page = open_clone_tab(patient, real_page)
    drop(page, recording)
    page.get_by_label("Compare all").check()
    consent(page)
    clone(page)
    assert "voices" in status(page)
    ranking = page.inner_text("#clone-ranking")
    for method in ("Quantizer", "From the transcript", "By conversion"):
        assert method in ranking
    assert is_sound(sound_of(page, "#clone-player-b")[0])


def test_the_microphone_is_heard(driver, real_page, recording):
    with speaking_into_the_microphone(driver, recording) as visitor:
        visitor.set_default_timeout(240_000)
        page = open_page(visitor, real_page)
        go_to_clone_tab(page)
        page.get_by_role("button", name="Record", exact=True).click()
        page.wait_for_timeout(6_000)
        page.locator("#clone-clip").get_by_role("button", name="Stop").click()
        page.wait_for_selector("#clone-button:not([disabled])")
        assert "s of it speech" in page.inner_text("#clip-check")
        consent(page)
        clone(page)
        assert is_sound(sound_of(page, "#clone-player-a")[0])


def test_stop_ends_the_work_and_the_page_goes_on(patient, real_page, recording):
    page = open_clone_tab(patient, real_page)
    drop(page, recording)
    page.get_by_label("Compare all").check()
    consent(page)
    page.click("#clone-button")
    page.wait_for_function("document.querySelector('#clone-status').innerText.includes('Voice 1')")
    page.click("#clone-stop")
    page.wait_for_function(
        "document.querySelector('#clone-status').innerText.startsWith('Stopped')"
    )
    assert page.locator("#clone-button").is_enabled()
