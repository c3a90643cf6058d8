"""The Voice Clone tab in a real browser, over a service whose clones are tones."""

import shutil
import subprocess

import numpy as np
import pytest

from tests.e2e.clone_steps import (
    choose,
    clone,
    consent,
    drop,
    go_to_clone_tab,
    open_clone_tab,
    status,
)
from tests.e2e.conftest import speaking_into_the_microphone
from tests.e2e.page_steps import in_table, sound_of, speak, wait_for_end, wait_until_filled
from tests.ui.clone_values import RATE, clip, sound
from webui.audio import write_audio

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def recording(tmp_path):
    return clip(tmp_path)


@pytest.fixture
def page(lasting_page, fake_page):
    """The Voice Clone tab, as the test before left it; no test clones on it."""
    return lasting_page.opened_by(open_clone_tab, fake_page)


def pitch(waveform, rate) -> float:
    spectrum = np.abs(np.fft.rfft(waveform))
    return float(spectrum.argmax() * rate / len(waveform))


def wait_for_pitch(page, place, wanted):
    """Wait until a player has loaded a sound of this pitch."""
    for _ in range(50):
        if pitch(*sound_of(page, place)) == pytest.approx(wanted, abs=1):
            return
        page.wait_for_timeout(200)
    pytest.fail(f"no sound of {wanted} Hz in {place}")


def test_four_clicks_from_the_microphone_to_a_clone(driver, fake_page, tmp_path):
    spoken = tmp_path / "spoken.wav"
    write_audio(spoken, sound(30.0), RATE)
    with speaking_into_the_microphone(driver, spoken) as visitor:
        page = open_clone_tab(visitor, fake_page)
        page.get_by_role("button", name="Record", exact=True).click()
        page.wait_for_timeout(4_000)
        page.locator("#clone-clip").get_by_role("button", name="Stop").click()
        page.wait_for_selector("#clone-button:not([disabled])")
        assert "s of it speech" in page.inner_text("#clip-check")
        assert page.input_value("#clone-name input") == "My voice"
        consent(page)
        clone(page)
        heard, rate = sound_of(page, "#clone-player-a")
        assert pitch(heard, rate) == pytest.approx(120, abs=1)
        page.click("#part-listen")
        page.wait_for_selector("#part-heard")
        recorded, rate = sound_of(page, "#part-heard")
        assert rate == 24_000
        assert pitch(recorded, rate) == pytest.approx(140, abs=3)


def test_a_dropped_file_becomes_a_voice_that_speaks_and_stands_in_the_library(
    visitor, fake_page, recording
):
    page = open_clone_tab(visitor, fake_page)
    assert page.locator("#clone-button").is_disabled()
    assert "quiet room" in page.inner_text("#clip-check")
    drop(page, recording)
    assert "6.5 s" in page.inner_text("#clip-check")
    assert page.locator("#clip-picture svg .chosen").count() == 1
    page.fill("#clone-name input", "Dora")
    consent(page)
    clone(page)
    assert "sounds like the speaker" in page.inner_text("#clone-verdict-a")
    assert "the recording itself reaches 0.91" in page.inner_text("#clone-verdict-a")
    assert page.locator("#clone-ranking").is_hidden()
    page.click("#clone-keep-a")
    page.wait_for_selector("#clone-use")
    assert "Saved to your library as “Dora”" in page.inner_text("#clone-saved")
    page.click("#clone-use")
    page.wait_for_selector("#speak-text textarea", state="visible")
    page.wait_for_function("document.querySelector('#speak-voice input').value.includes('Dora')")
    speak(page, "It is my voice.")
    wait_for_end(page)
    page.get_by_role("tab", name="Speaker Library").click()
    in_table(page, "#voices", "Dora").wait_for()


def test_what_is_missing_is_said_beside_its_field(visitor, fake_page, recording):
    page = open_clone_tab(visitor, fake_page)
    drop(page, recording)
    page.fill("#clone-name input", "")
    page.click("#clone-button")
    page.get_by_text("Give the voice a name.", exact=True).wait_for()
    page.get_by_text("Tick this box first.", exact=True).wait_for()
    assert page.locator("#clone-result").is_hidden()
    page.fill("#clone-name input", "Eva")
    consent(page)
    clone(page)
    assert status(page).startswith("Done: one voice")


def test_silence_and_a_text_are_told_and_cannot_be_cloned(page, tmp_path):
    page.set_input_files("#clone-files input", clip(tmp_path, loudness=0.0))
    page.get_by_text("We hear almost no speech.").wait_for()
    assert page.locator("#clone-button").is_disabled()
    page.get_by_label("Remove this file").or_(page.get_by_label("Clear")).first.click()
    page.get_by_text("quiet room").wait_for()
    notes = tmp_path / "notes.wav"
    notes.write_text("These are notes, not a recording.")
    page.set_input_files("#clone-files input", str(notes))
    page.get_by_text("This file is not a recording").first.wait_for()
    assert page.locator("#clone-button").is_disabled()


def test_all_methods_are_compared_side_by_side_and_one_is_kept(visitor, fake_page, recording):
    page = open_clone_tab(visitor, fake_page)
    drop(page, recording)
    page.fill("#clone-name input", "Fay")
    page.get_by_label("Compare all").check()
    consent(page)
    clone(page)
    assert status(page).startswith("Done: 6 voices")
    wait_for_pitch(page, "#clone-player-a", 120)
    choose(page, "#clone-choice-b", "3. By conversion · 2.5–6.5 s")
    page.wait_for_function(
        "document.querySelector('#clone-verdict-b').innerText.includes('somewhat')"
    )
    wait_for_pitch(page, "#clone-player-b", 160)
    in_table(page, "#clone-ranking", "From the transcript · 2.5–6.5 s").click()
    page.wait_for_function(
        "document.querySelector('#clone-verdict-a').innerText.includes('does not sound')"
    )
    page.click("#clone-keep-b")
    page.wait_for_selector("#clone-use")
    page.get_by_role("tab", name="Speaker Library").click()
    in_table(page, "#voices", "Fay").wait_for()


def test_the_part_is_chosen_by_the_visitor_among_several_recordings(
    visitor, fake_page, recording, tmp_path
):
    page = open_clone_tab(visitor, fake_page)
    drop(page, recording, clip(tmp_path, seconds=9.0, name="second.wav"))
    page.wait_for_selector("#clone-which")
    choose(page, "#clone-which", "2. second.wav (9.0 s)")
    page.wait_for_function("document.querySelector('#part-end input[type=number]').value == '9'")
    page.fill("#part-start input[type=number]", "3")
    page.press("#part-start input[type=number]", "Tab")
    page.wait_for_function(
        "document.querySelector('#clip-picture svg').ariaLabel.includes('from 3.0 to 9.0')"
    )
    page.wait_for_function("document.querySelector('#clone-part input').value === 'My own choice'")
    page.click("#part-listen")
    page.wait_for_selector("#part-heard")
    heard, rate = sound_of(page, "#part-heard")
    assert len(heard) / rate == pytest.approx(6.0, abs=0.01)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg here")
def test_a_recording_of_a_phone_is_read(visitor, fake_page, recording, tmp_path):
    phone = tmp_path / "phone.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", recording, str(phone)], check=True)
    page = open_clone_tab(visitor, fake_page)
    drop(page, phone)
    assert page.input_value("#clone-name input") == "phone"


def test_stop_ends_the_cloning_and_keeps_what_was_given(visitor, fake_page, recording):
    page = open_clone_tab(visitor, fake_page)
    drop(page, recording)
    page.get_by_label("From the transcript").check()
    page.wait_for_selector("#clone-transcript textarea")
    page.fill("#clone-transcript textarea", "I speak slowly.")
    consent(page)
    page.click("#clone-button")
    page.wait_for_selector("#clone-stop")
    page.wait_for_function(
        "document.querySelector('#announcement').textContent.includes('about 1 s left')"
    )
    page.click("#clone-stop")
    page.wait_for_function(
        "document.querySelector('#clone-status').innerText.startsWith('Stopped')"
    )
    assert page.locator("#clone-button").is_enabled()
    assert page.locator("#clone-result").is_hidden()
    assert page.input_value("#clone-transcript textarea") == "I speak slowly."


def test_a_reload_does_not_lose_a_clone_that_was_not_kept(visitor, fake_page, recording):
    page = open_clone_tab(visitor, fake_page)
    drop(page, recording)
    page.fill("#clone-name input", "Gil")
    consent(page)
    clone(page)
    page.reload()
    wait_until_filled(page)
    go_to_clone_tab(page)
    page.wait_for_selector("#clone-keep-a")
    assert page.input_value("#clone-name input") == "Gil"
    page.click("#clone-keep-a")
    page.wait_for_selector("#clone-use")
    page.click("#clone-another")
    page.wait_for_selector("#clone-result", state="hidden")
    assert page.input_value("#clone-name input") == ""


def test_a_page_that_is_not_secure_says_why_it_cannot_record(visitor, fake_page):
    visitor.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    page = open_clone_tab(visitor, fake_page)
    page.get_by_text("Recording needs https or localhost").wait_for()


def test_a_secure_page_says_nothing_of_the_kind(page):
    assert page.locator("#insecure-note").is_hidden()


def test_a_part_of_another_language_is_brought_by_one_button(page):
    choose(page, "#clone-language", "Polish")
    page.get_by_role("button", name="Download Polish, 8 epochs (104 MB, MIT)").click()
    page.wait_for_function(
        "document.querySelector('#clone-parts').innerText.includes('Downloading')"
    )


def test_a_comparison_is_no_wider_than_a_phone(browser, fake_page, recording):
    phone = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        page = open_clone_tab(phone, fake_page)
        drop(page, recording)
        page.get_by_label("Compare all").check()
        consent(page)
        clone(page)
        page.get_by_text("More choices").click()
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        phone.close()
