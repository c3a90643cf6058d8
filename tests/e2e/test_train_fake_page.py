"""The Train tab in a real browser, over a service whose trainings only pretend."""

import pytest

from tests.e2e.conftest import running_fake_page
from tests.e2e.page_steps import in_table, open_page
from tests.ui.clone_values import clip

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


NO_HEADER_IS_CUT = """[...document.querySelectorAll("#trainings [role=columnheader] span")]
  .every((each) => each.scrollWidth <= each.clientWidth || !each.offsetParent)"""


def open_train_tab(visitor, address):
    page = open_page(visitor, address)
    go_to_train_tab(page)
    return page


def go_to_train_tab(page):
    page.get_by_role("tab", name="Train").click()
    page.wait_for_selector("#train-name input")


def start(page, name):
    page.fill("#train-name input", name)
    page.click("#train-start")


def wait_for_status(page, words):
    page.wait_for_function(
        "words => document.querySelector('#train-status').innerText.includes(words)", arg=words
    )


@pytest.fixture(scope="module")
def train_page(browser):
    """A page of its own: trainings are seen by everybody who opens it."""
    with running_fake_page() as address:
        yield address


@pytest.fixture
def page(lasting_page, train_page):
    """The Train tab, as the test before left it."""
    return lasting_page.opened_by(open_train_tab, train_page)


def test_four_clicks_from_the_tab_to_a_quantizer_that_cloning_uses(page):
    page.get_by_label("Quick: 500 texts").check()
    start(page, "German 1")
    wait_for_status(page, "Done: German 1")
    page.wait_for_selector("#train-picture svg.curve polyline.right")
    assert "81.2% (95.3% among the best five)" in page.inner_text("#train-card")
    page.click("#train-use")
    page.wait_for_function(
        "document.querySelector('#train-card').innerText.includes('Cloning can use it')"
    )
    assert in_table(page, "#trainings", "used for cloning").is_visible()
    with page.expect_download() as download:
        page.click("#train-save")
    assert download.value.suggested_filename == "german-1.safetensors"


def test_one_hears_how_well_a_quantizer_hears_by_now(page):
    start(page, "Finnish 1")
    wait_for_status(page, "Done: Finnish 1")
    page.locator("#train-heard").get_by_text(
        "As the quantizer hears it, after 200 steps"
    ).wait_for()
    page.locator("#train-spoken").get_by_text("As it was spoken").wait_for()
    for player in ("#train-spoken", "#train-heard"):
        page.wait_for_selector(f"{player} #waveform, {player} audio", state="attached")
        page.locator(player).get_by_role("button", name="Play", exact=True).wait_for()
    assert "“Sun and *moon*”, spoken by Ada." in page.inner_text("#train-sample-note")


def test_it_goes_on_when_the_page_is_closed_and_is_stopped_and_continued(visitor, train_page):
    page = open_train_tab(visitor, train_page)
    start(page, "Polish slowly")
    wait_for_status(page, "Polish slowly")
    page.wait_for_selector("#train-stop")
    assert "You may close this page" in page.inner_text("#train-status")
    page.close()
    page = open_train_tab(visitor, train_page)
    wait_for_status(page, "Polish slowly")
    page.click("#train-stop")
    wait_for_status(page, "Stopped: Polish slowly")
    assert "pairs are kept" in page.inner_text("#train-status")
    page.click("#train-continue")
    wait_for_status(page, "Done: Polish slowly")


def test_a_missing_name_is_said_beside_its_field(page):
    start(page, "")
    page.locator("#train-name").get_by_text("Give it a name, such as German 1.").wait_for()


def test_two_are_compared_also_on_a_clip_of_ones_own(page, tmp_path):
    start(page, "Czech 1")
    wait_for_status(page, "Done: Czech 1")
    page.click("#train-use")
    page.get_by_text("Compare with another quantizer").click()
    page.click("#train-rival input")
    page.get_by_role("option", name="Built-in English").click()
    page.click("#train-compare")
    page.get_by_text("Built-in English hears better.").wait_for()
    page.set_input_files("#train-clip input[type=file]", str(clip(tmp_path)))
    page.wait_for_selector("#train-clip audio, #train-clip .waveform-container", state="attached")
    page.wait_for_timeout(1_000)
    page.click("#train-hear")
    page.wait_for_selector("#train-second")
    assert "Czech 1: This sounds like the speaker" in page.inner_text("#train-hear-note")


def test_zips_of_pairs_are_dropped_counted_and_learned_from(page, tmp_path):
    path = tmp_path / "pairs.zip"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    page.fill("#train-name input", "Old pairs")
    page.get_by_text("Pairs that others made").click()
    page.set_input_files("#train-pairs input[type=file]", str(path))
    page.locator("#train-pairs").get_by_text("pairs").first.wait_for()
    page.wait_for_timeout(1_000)
    page.click("#train-learn")
    page.get_by_text("22 pairs were read").wait_for()
    assert "3 dropped: 2 damaged, 1 of a wrong length" in page.inner_text("#train-read")
    wait_for_status(page, "Done: Old pairs")


def test_a_training_is_deleted_only_when_that_was_ticked(page):
    start(page, "Turkish 1")
    wait_for_status(page, "Done: Turkish 1")
    page.click("#train-delete")
    page.get_by_text("Tick the box beside it first").wait_for()
    page.check("#train-sure input")
    page.click("#train-delete")
    page.wait_for_function("!document.querySelector('#trainings').innerText.includes('Turkish 1')")


def test_the_tab_is_no_wider_than_a_phone(browser, train_page):
    phone = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        page = open_train_tab(phone, train_page)
        page.get_by_text("More choices").locator("visible=true").first.click()
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        shown = page.locator("#trainings [role=columnheader]:visible")
        assert [each.split("\n")[0] for each in shown.all_inner_texts()] == [
            "Name", "State", "Right",
        ]  # fmt: skip
        assert page.evaluate(NO_HEADER_IS_CUT)
    finally:
        phone.close()


def test_a_public_page_has_no_such_tab_and_says_why(browser):
    with running_fake_page("public") as address:
        context = browser.new_context()
        try:
            page = open_page(context, address)
            assert page.get_by_role("tab", name="Train").count() == 0
            page.get_by_role("tab", name="Models & settings").click()
            page.get_by_text("not on a public page").wait_for()
        finally:
            context.close()
