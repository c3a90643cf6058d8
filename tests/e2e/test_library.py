"""The Speaker Library in a real browser: over the scripted service, and over the whole app."""

import json

import numpy as np
import pytest

from tests.e2e.conftest import free_port, running, running_fake_page
from tests.e2e.page_steps import in_table, open_page, speak, wait_for_end

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def open_library(visitor, address):
    page = open_page(visitor, address)
    page.get_by_role("tab", name="Speaker Library").click()
    page.wait_for_selector("#voices", state="visible")
    return page


def choose(page, name):
    in_table(page, "#voices", name).click()
    page.wait_for_function(
        "name => document.querySelector('#voice-details').innerText.includes(name)", arg=name
    )


def wait_for_text(page, place, words):
    page.wait_for_function(
        "([place, words]) => document.querySelector(place)?.innerText.includes(words)",
        arg=[place, words],
    )


def status_says(page, words):
    wait_for_text(page, "#library-status", words)


def unfold(page, place):
    page.locator(f"{place} button").first.click()


@pytest.fixture
def fresh_page(browser):
    """A page whose voices nobody else has changed."""
    with running_fake_page() as address:
        yield address


def test_a_voice_is_found_marked_named_and_deleted_with_undo(visitor, fresh_page):
    page = open_library(visitor, fresh_page)
    page.fill("#library-search textarea, #library-search input", "nobody")
    wait_for_text(page, "#no-voices", "No voice matches")
    page.click("#clear-filters")
    choose(page, "Bob")
    page.wait_for_selector("#preview")
    page.click("#favourite-voice")
    wait_for_text(page, "#favourite-voice", "No longer")
    in_table(page, "#voices", "Bob ♥").wait_for()
    unfold(page, "#about-voice")
    page.fill("#voice-name textarea, #voice-name input", "Robert")
    page.fill("#voice-tags textarea, #voice-tags input", "warm, low")
    page.click("#save-about")
    status_says(page, "Saved.")
    in_table(page, "#voices", "Robert ♥").wait_for()
    in_table(page, "#voices", "warm · low").wait_for()
    page.get_by_role("radio", name="Favourites").click()
    page.wait_for_function("!document.querySelector('#voices').innerText.includes('Cid')")
    page.click("#delete-voice")
    wait_for_text(page, "#undo-row", "‘Robert’ is deleted.")
    wait_for_text(page, "#no-voices", "No favourites yet")
    page.click("#undo-delete")
    status_says(page, "Robert is back.")
    in_table(page, "#voices", "Robert ♥").wait_for()
    assert page.locator("#undo-row").is_hidden()


def test_a_broken_voice_is_repaired_and_one_reads_a_line(visitor, fresh_page):
    page = open_library(visitor, fresh_page)
    choose(page, "Cid")
    wait_for_text(page, "#voice-details", "does not fit together")
    assert page.locator("#use-voice").is_hidden()
    page.click("#repair-voice")
    status_says(page, "Repaired.")
    page.click("#hear-line")
    wait_for_text(page, "#preview", "Cid reads: Good morning to you all.")


def test_a_take_is_kept_and_can_be_chosen_at_once_in_both_places(visitor, fresh_page):
    page = open_page(visitor, fresh_page)
    assert page.locator("#keep-take").is_hidden()
    speak(page, "A fine voice.")
    wait_for_end(page)
    unfold(page, "#keep-take")
    page.fill("#keep-take-name textarea, #keep-take-name input", "Keeper")
    page.click("#keep-take-save")
    wait_for_text(page, "#keep-take-status", "Keeper is in your library")
    page.click("#speak-voice input")
    page.get_by_role("option", name="★ Keeper").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Speaker Library").click()
    choose(page, "Keeper")


def test_a_public_page_lists_no_own_voice_of_whoever_runs_it(browser, visitor):
    with running_fake_page("public") as address:
        page = open_library(visitor, address)
        choose(page, "Ada")
        page.wait_for_selector("#preview")
        assert page.locator("#about-voice").is_hidden()
        assert "Bob" not in page.content()
        wait_for_text(page, "#library-public", "Only you see your own voices here")


# The whole app


@pytest.fixture
def patient(visitor):
    """A visitor of the whole app: its models are read from disk before the first sound."""
    visitor.set_default_timeout(90_000)
    return visitor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="module")
def real_page(browser, folder):
    port = free_port()
    words = ("app.py", "--port", str(port), "--family", "mini", "--threads", "1")
    places = ("--speakers-dir", str(folder / "speakers"), "--outputs-dir", str(folder / "outputs"))
    with running(*words, *places, "--data-dir", str(folder / "state"), port=port) as address:
        yield address


def said_in(path) -> dict:
    with np.load(path) as found:
        return json.loads(str(found["metadata"])) if "metadata" in found else {}


def own_files(folder) -> dict[str, object]:
    files = (folder / "speakers").glob("*.npz")
    return {said_in(path).get("name", path.stem): path for path in files}


@pytest.mark.timeout(400)
def test_voices_are_copied_cut_blended_exported_and_imported_for_real(
    patient, real_page, folder, tmp_path
):
    for left in own_files(folder).values():  # by a test that failed and begins anew
        left.unlink()
    page = open_library(patient, real_page)
    choose(page, "Ada")
    page.click("#duplicate-voice")
    status_says(page, "your copy of Ada")
    unfold(page, "#cut-voice")
    page.fill("#cut-start input", "1")
    page.fill("#cut-end input", "3")
    page.click("#hear-cut")
    wait_for_text(page, "#preview", "1.0 to 3.0 s")
    page.fill("#cut-name textarea, #cut-name input", "Short Ada")
    page.click("#keep-cut")
    status_says(page, "Kept as Short Ada.")
    with np.load(own_files(folder)["Short Ada"]) as found:
        assert found["fine_prompt"].shape == (8, 100)  # two seconds of mini
        assert found["semantic_prompt"].shape == (50,)
    unfold(page, "#blend-voice")
    page.click("#blend-other input")
    page.get_by_role("option", name="Ada (copy)").click()
    page.click("#keep-blend")
    status_says(page, "Kept as Short Ada + Ada (copy).")
    with page.expect_download() as waiting:
        page.click("#export-voice")
    target = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(target)
    assert target.name == "short-ada-ada-copy.npz"
    assert said_in(target)["method"] == "blend"
    junk = tmp_path / "junk.npz"
    junk.write_bytes(b"no voice")
    with page.expect_file_chooser() as waiting:
        page.click("#import-voices")
    waiting.value.set_files([target, junk])
    status_says(page, "1 of 2 imported.")
    status_says(page, "junk.npz: This is not a speaker file.")
    names = {"Ada (copy)", "Short Ada", "Short Ada + Ada (copy)", "Short Ada + Ada (copy) 2"}
    assert set(own_files(folder)) == names


@pytest.mark.timeout(400)
def test_a_file_dropped_into_the_folder_appears_and_a_take_becomes_a_voice_that_speaks(
    patient, real_page, folder
):
    from tests.backend.voice_files import add_bark_voice

    add_bark_voice(folder / "speakers" / "dropped.npz")
    page = open_page(patient, real_page)
    speak(page, "Good morning, how are you today?")
    wait_for_end(page)
    unfold(page, "#keep-take")
    page.fill("#keep-take-name textarea, #keep-take-name input", "Morning")
    page.click("#keep-take-save")
    wait_for_text(page, "#keep-take-status", "Morning is in your library")
    assert said_in(own_files(folder)["Morning"])["method"] == "kept from a speech"
    page.get_by_role("tab", name="Speaker Library").click()
    choose(page, "dropped")
    choose(page, "Morning")
    page.click("#use-voice")
    page.wait_for_function(
        "document.querySelector('#speak-voice input').value.startsWith('★ Morning')"
    )
    speak(page, "The moon is bright.")
    wait_for_end(page)
    wait_for_text(page, "#take", "Take 2 · Morning")
