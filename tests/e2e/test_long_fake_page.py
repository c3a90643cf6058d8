"""The Long text tab in a real browser, over a service whose desk only pretends."""

import pytest

from tests.e2e.conftest import running_fake_page
from tests.e2e.page_steps import in_table, open_page, sound_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BOOK = "# One\nThe sun is up. It is warm.\nANNA: Good day to you.\n# Two\nThe end."


@pytest.fixture(scope="module")
def long_page(browser):
    """A page of its own: on a local page everybody sees its texts."""
    with running_fake_page() as address:
        yield address


@pytest.fixture
def page(lasting_page, long_page):
    """The Long text tab, as the test before left it."""
    return lasting_page.opened_by(open_long_tab, long_page)


def open_long_tab(visitor, address):
    page = open_page(visitor, address)
    page.get_by_role("tab", name="Long text").click()
    page.wait_for_selector("#long-text textarea")
    return page


def paste(page, text):
    page.fill("#long-text textarea", text)
    page.click("#long-make")


def wait_for_words(page, place, words):
    page.wait_for_function(
        "([place, words]) => document.querySelector(place).innerText.includes(words)",
        arg=[place, words],
    )


def choose_card(page, words):
    in_table(page, "#long-cards", words).click()
    page.wait_for_function(
        "words => document.querySelector('#long-card-text textarea')?.value.includes(words)",
        arg=words,
    )


def test_a_dropped_book_is_spoken_heard_changed_and_saved(page, tmp_path):
    book = tmp_path / "The Sun.txt"
    book.write_text(BOOK)
    page.set_input_files("#long-file input[type=file]", str(book))
    wait_for_words(page, "#long-status", "The Sun · 2 chapters, 4 cards")
    page.click("#long-start")
    wait_for_words(page, "#long-status", "Done: The Sun.")
    choose_card(page, "Good day to you")
    page.wait_for_selector("#long-player audio", state="attached")
    samples, rate = sound_of(page, "#long-player")
    assert len(samples) == int(0.2 * rate)  # four words
    page.fill("#long-card-text textarea", "Good day to you all.")
    page.click("#long-speak-card")
    in_table(page, "#long-cards", "Good day to you all.").wait_for()
    in_table(page, "#long-cards", "0.2 s").wait_for()
    page.click("#long-again")
    wait_for_words(page, "#long-card", "1 earlier take")
    page.get_by_text("Save it as a file").click()
    page.click("#long-prepare")
    wait_for_words(page, "#long-file-status", "the-sun.wav")
    with page.expect_download() as download:
        page.click("#long-save")
    assert download.value.suggested_filename == "the-sun.wav"


HEARD_AT = """(seconds) => {
  const heard = document.querySelector('#long-player audio');
  heard.pause();
  heard.currentTime = seconds;
}"""
MARKED = "#long-cards [aria-current=true]"


def test_the_sentence_that_is_said_is_shown_and_its_card_marked(visitor, long_page):
    page = open_long_tab(visitor, long_page)
    paste(page, "# Sun\nThe sun is up now. ANNA: Good day to you.\nANNA: It is so warm.")
    page.click("#long-start")
    wait_for_words(page, "#long-status", "Done: Sun.")
    page.click("#long-play-chapter")
    page.wait_for_function("document.querySelector('#long-player audio')?.readyState > 1")
    assert not page.locator("#long-captions").is_visible()
    for seconds, words in ((0.1, "The sun is up now."), (0.6, "ANNA: It is so warm.")):
        page.evaluate(HEARD_AT, seconds)
        wait_for_words(page, "#long-caption", words)
        assert words in page.locator(MARKED).locator("visible=true").inner_text()
    caption = page.locator("#long-caption")
    assert caption.get_attribute("translate") == "no"
    live = "element => element.closest('[aria-live], [role=status], [role=alert]')"
    assert caption.evaluate_handle(live).as_element() is None  # the voice is not talked over
    choose_card(page, "The sun is up now.")
    page.wait_for_function("!document.querySelector('#long-caption')?.innerText")
    page.wait_for_selector(MARKED, state="detached")


def test_it_goes_on_when_the_page_is_closed_and_is_paused_and_continued(visitor, long_page):
    page = open_long_tab(visitor, long_page)
    paste(page, "# Sea\n" + "It goes slowly. " * 30)
    wait_for_words(page, "#long-status", "Sea")
    page.click("#long-start")
    wait_for_words(page, "#long-status", "You may close this page")
    page.close()
    page = open_long_tab(visitor, long_page)
    page.wait_for_function(  # paused before the first one, it has only not begun
        "() => /[1-9][0-9]* of 30 cards/.test(document.querySelector('#long-status').innerText)"
    )
    page.click("#long-pause")
    wait_for_words(page, "#long-status", "Stopped: Sea")
    assert page.is_enabled("#long-start")


def test_a_card_is_split_at_the_cursor_and_deleted_after_a_question(page):
    paste(page, "# Split\nThe sun is up and it is warm. The end.")
    wait_for_words(page, "#long-status", "Split")
    choose_card(page, "The sun is up and")
    page.evaluate("document.querySelector('#long-card-text textarea').setSelectionRange(14, 14)")
    page.click("#long-split")
    page.wait_for_function(
        "() => document.querySelector('#long-card-text textarea').value === 'The sun is up'"
    )
    assert in_table(page, "#long-cards", "and it is warm.").is_visible()
    choose_card(page, "The end.")
    page.click("#long-delete-card")
    page.click("#long-card-yes")
    page.wait_for_function("!document.querySelector('#long-cards').innerText.includes('The end')")


def test_the_tab_is_no_wider_than_a_phone(browser, long_page):
    phone = browser.new_context(viewport={"width": 390, "height": 844})
    try:
        page = open_long_tab(phone, long_page)
        paste(page, BOOK)
        wait_for_words(page, "#long-status", "One")
        choose_card(page, "The sun is up")
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        phone.close()


def test_on_a_public_page_nobody_sees_the_texts_of_another_visitor(browser):
    with running_fake_page("public") as address:
        anna, stranger = browser.new_context(), browser.new_context()
        try:
            page = open_long_tab(anna, address)
            paste(page, "# Secret\nNobody reads this.")
            wait_for_words(page, "#long-status", "Secret")
            other = open_long_tab(stranger, address)
            wait_for_words(other, "#long-status", "No long text yet")
            assert "Secret" not in other.content()
            page.reload()
            page.get_by_role("tab", name="Long text").click()
            wait_for_words(page, "#long-status", "Secret")
        finally:
            anna.close()
            stranger.close()
