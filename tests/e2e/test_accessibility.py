"""Nobody is shut out: axe-core finds nothing, the keyboard reaches, progress is spoken."""

from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest

from tests.e2e.clone_steps import clone, consent, drop, go_to_clone_tab
from tests.e2e.page_steps import in_table, open_page, speak, type_text, wait_for_end
from webui.audio import write_audio

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
# What stays, as a rule and a part of the element, with the reason.
KNOWN = {
    # Gradio puts a button into a button; as a group the outer one is at least no trap for the
    # keyboard (minor, in place of a serious one).
    ("aria-allowed-role", 'aria-label="More files"'),
}
EVERYTHING = {"resultTypes": ["violations"], "preload": False}
CONTRAST = EVERYTHING | {"runOnly": ["color-contrast"]}
NAMES = EVERYTHING | {"runOnly": ["button-name"]}
WIDTHS = (1_280, 390)
TABS = (
    "Text-to-Speech", "Voice Clone", "Speaker Library", "Long text", "Train", "Models & settings",
)  # fmt: skip
BOOK = "# One\nThe sun is up. It is warm.\nANNA: Good day to you.\n# Two\nThe end."
# Colours that change slowly are measured half way.
STILL = "* { transition: none !important; animation: none !important; }"
OPEN_FOLDS = """() => document.querySelectorAll("button.label-wrap").forEach((each) => {
  if (each.offsetParent && !each.classList.contains("open")) each.click();
})"""
LINE_OF = "([place, line]) => document.querySelector(place)?.innerText.includes(line)"


@pytest.fixture(scope="module")
def full_page(browser, fake_page, tmp_path_factory):
    """One page whose tabs show what they show after use: players, a report, cards, a curve."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    page = open_page(context, fake_page)
    page.add_style_tag(content=STILL)
    page.evaluate(AXE)
    try:
        fill(page, tmp_path_factory.mktemp("clip") / "speaker.wav")
        yield page
    finally:
        context.close()


def fill(page, recording):
    speak(page, "Good morning. How are you.")
    wait_for_end(page)
    open_tab(page, "Speaker Library")
    in_table(page, "#voices", "Ada").click()
    page.wait_for_selector("#preview")
    times = np.arange(8 * 16_000) / 16_000
    write_audio(recording, (0.3 * np.sin(times * 800)).astype(np.float32), 16_000)
    go_to_clone_tab(page)
    drop(page, recording)
    page.get_by_label("Compare all").check()
    consent(page)
    clone(page)
    open_tab(page, "Long text")
    page.fill("#long-text textarea", BOOK)
    page.click("#long-make")
    page.wait_for_function(LINE_OF, arg=["#long-status", "4 cards"])
    open_tab(page, "Train")
    page.fill("#train-name input", "Czech 1")
    page.click("#train-start")
    page.wait_for_function(LINE_OF, arg=["#train-status", "Done: Czech 1"])
    page.get_by_role("button", name="Get the real Bark").click()
    page.wait_for_selector("#download-start")


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def violations(page, rules):
    """What axe has to say about the page as it is: rule, how bad, where."""
    found = page.evaluate("(rules) => axe.run(document, rules)", rules)["violations"]
    return [
        f"{each['id']} ({each['impact']}) at {node['target']}: {node['html'][:120]}"
        for each in found
        for node in each["nodes"]
        if not any(each["id"] == rule and part in node["html"] for rule, part in KNOWN)
    ]


@pytest.mark.parametrize("tab", TABS)
def test_axe_finds_nothing_wrong_in_light_and_dark_on_desk_and_phone(full_page, tab):
    page = full_page
    open_tab(page, tab)
    for _ in range(2):  # a fold within a fold
        page.evaluate(OPEN_FOLDS)
        page.wait_for_timeout(300)
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(600)  # Gradio's own parts are mended twice a second
        for scheme, rules in (("light", EVERYTHING), ("dark", CONTRAST)):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(100)
            found[scheme, width] = violations(page, rules)
        page.emulate_media(color_scheme="light")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {where: what for where, what in found.items() if what} == {}


def test_axe_finds_what_is_wrong(full_page):
    full_page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<button id=\"nameless\"></button>')"
    )
    try:
        assert any(each.startswith("button-name") for each in violations(full_page, NAMES))
    finally:
        full_page.evaluate("document.querySelector('#nameless').remove()")


def test_every_tab_of_the_page_was_looked_at(full_page):
    assert full_page.get_by_role("tab").all_inner_texts() == list(TABS)


@pytest.mark.parametrize(("locale", "read_as"), [("de-DE", "de"), ("fr-FR", "en")])
def test_the_page_is_read_aloud_in_the_language_that_it_shows(browser, fake_page, locale, read_as):
    context = browser.new_context(locale=locale)
    context.set_default_timeout(30_000)
    try:
        page = context.new_page()
        page.goto(fake_page)
        words = {"de": "Sprechen", "en": "Speak"}[read_as]
        page.wait_for_function(LINE_OF, arg=["#speak-button", words])
        page.wait_for_timeout(1_000)  # Gradio says the browser's language in the meantime
        assert page.evaluate("[navigator.language, document.documentElement.lang]") == [
            locale,
            read_as,
        ]
    finally:
        context.close()


def test_the_keyboard_reaches_speak_soon_after_the_text(visitor, fake_page):
    page = open_page(visitor, fake_page)
    assert page.evaluate("document.activeElement.closest('#speak-text') !== null")
    page.keyboard.type("By the keyboard alone.")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "speak-button"
    page.keyboard.press("Enter")
    wait_for_end(page)
    page.wait_for_selector("#take", timeout=60_000)


def test_progress_and_the_end_are_spoken_to_who_cannot_see(visitor, fake_page):
    page = open_page(visitor, fake_page)
    region = page.locator("#announcement")
    assert (region.get_attribute("role"), region.get_attribute("aria-live")) == ("status", "polite")
    type_text(page, " ".join(f"This is sentence {each}, said slowly." for each in range(6)))
    page.click("#speak-button")
    said = "(line) => document.querySelector('#announcement').textContent.match(line)"
    page.wait_for_function(said, arg="Sentence \\d of 6")
    wait_for_end(page)
    page.wait_for_function(said, arg="^Done")


def test_a_message_is_read_out_as_it_was_meant_and_closed_by_the_keyboard(visitor, fake_page):
    page = open_page(visitor, fake_page)
    speak(page, "Good morning.")
    wait_for_end(page)
    page.get_by_role("button", name="Keep this voice").click()
    page.click("#keep-take-save")
    message = page.get_by_test_id("toast-body")
    message.wait_for()
    assert (message.get_attribute("role"), message.get_attribute("aria-live")) == (
        "status",
        "polite",
    )
    assert page.get_by_test_id("toast-text").inner_text() == "Please give the voice a name."
    page.evaluate(AXE)
    page.wait_for_timeout(600)
    assert violations(page, EVERYTHING) == []
    page.get_by_test_id("toast-close").press("Enter")
    message.wait_for(state="hidden")
