"""The page in German and Chinese: what it says, what it leaves alone, and how it is chosen."""

import contextlib

import pytest

from tests.e2e.page_steps import in_table, type_text

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LANG = "document.documentElement.lang"
LINE_OF = "([place, line]) => document.querySelector(place)?.innerText.includes(line)"
GERMAN_TABS = [
    "Text sprechen", "Stimme klonen", "Stimmenbibliothek", "Langer Text", "Trainieren",
    "Modelle & Einstellungen",
]  # fmt: skip
CHINESE_TABS = ["文本转语音", "声音克隆", "说话人库", "长文朗读", "训练", "模型与设置"]
# English words of the page that are also words that somebody might say.
OURS = "Speak. Stop. Done: 1 s of speech."
OPEN_FOLDS = """() => document.querySelectorAll("button.label-wrap").forEach((each) => {
  if (each.offsetParent && !each.classList.contains("open")) each.click();
})"""

# These are offered, and none that does not hold what was typed; other tests may have kept voices.
OFFERED = """([found, typed]) => {
  const options = [...document.querySelectorAll('#speak-voice [role=option]')];
  const seen = options.map((each) => each.ariaLabel);
  return found.every((each) => seen.includes(each))
    && seen.every((each) => each.toLowerCase().includes(typed));
}"""
CHOSEN = "(name) => document.querySelector('#speak-voice input').value === name"
# A message shows the signs of code themselves.
TELL = """(words) => {
  const line = document.createElement("p");
  line.id = "told";
  line.textContent = words;
  document.body.append(line);
}"""


@contextlib.contextmanager
def coming_from(browser, locale, width=1_280):
    """A visitor whose browser speaks this language."""
    context = browser.new_context(locale=locale, viewport={"width": width, "height": 900})
    context.set_default_timeout(30_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def open_in(page, address, strip):
    page.goto(address)
    wait_until_filled(page, strip)


def wait_until_filled(page, strip):
    page.wait_for_function(LINE_OF, arg=["#strip-words", strip])
    page.wait_for_selector("#speak-button:not([disabled])")


def tabs(page):
    return page.get_by_role("tab").all_inner_texts()


def choose(page, code, strip):
    page.select_option("#language", code)
    page.wait_for_function(LINE_OF, arg=["#strip-words", strip])


def test_a_german_browser_gets_german_and_its_own_words_stay_as_they_are(browser, fake_page):
    with coming_from(browser, "de-DE") as page:
        open_in(page, fake_page, "spricht")
        assert tabs(page) == GERMAN_TABS
        assert page.evaluate(LANG) == "de"
        assert page.input_value("#language") == "de"
        assert page.inner_text("#speak-button") == "Sprechen"
        assert page.get_attribute("#speak-text textarea", "placeholder").startswith("Eingeben")
        type_text(page, OURS)
        page.click("#speak-button")
        page.wait_for_function(LINE_OF, arg=["#speak-status", "Fertig: "])
        assert page.inner_text("#speak-status").strip().endswith("Seed 62422.")
        in_table(page, "#takes", OURS)
        page.wait_for_selector("#takes [data-col='1']")
        assert page.inner_text("#takes [data-col='1']").strip() == OURS
        assert page.inner_text("#takes [data-col='2']").strip() == "beliebige Stimme"
        assert page.input_value("#speak-text textarea") == OURS
        assert page.locator("#take [data-testid=block-label]").inner_text().strip() == (
            "Take 1 · beliebige Stimme · Seed 62422"
        )
        # Gradio's own parts speak the same language, and Gradio said none other since.
        assert "Datei hier ablegen" in page.inner_text("#recipe-drop")
        assert page.evaluate(LANG) == "de"
        # The end is told as the end to who cannot see it.
        said = "document.querySelector('#announcement').textContent.startsWith('Fertig')"
        page.wait_for_function(said)


def test_languages_are_switched_without_a_reload_and_remembered(browser, fake_page):
    with coming_from(browser, "en-US") as page:
        open_in(page, fake_page, "speaks")
        english = tabs(page)
        type_text(page, OURS)
        page.evaluate("document.body.dataset.same = 'page'")
        choose(page, "zh", "朗读")
        assert (tabs(page), page.evaluate(LANG)) == (CHINESE_TABS, "zh")
        assert "将文件拖放到此处" in page.inner_text("#recipe-drop")
        assert page.input_value("#speak-voice input") == "任意声音"
        choose(page, "de", "spricht")
        assert (tabs(page), page.evaluate(LANG)) == (GERMAN_TABS, "de")
        assert page.input_value("#speak-voice input") == "Beliebige Stimme"
        choose(page, "en", "speaks")
        assert (tabs(page), page.evaluate(LANG)) == (english, "en")
        assert page.input_value("#speak-voice input") == "Any voice"
        assert page.input_value("#speak-text textarea") == OURS
        assert page.evaluate("document.body.dataset.same") == "page"
        choose(page, "zh", "朗读")
        open_in(page, fake_page, "朗读")
        assert tabs(page) == CHINESE_TABS
        # The address counts more, and what is chosen by hand counts from then on.
        open_in(page, f"{fake_page}?lang=de", "spricht")
        assert tabs(page) == GERMAN_TABS
        choose(page, "en", "speaks")
        assert "lang" not in page.url


def test_a_language_that_is_not_there_is_answered_in_english(browser, fake_page):
    with coming_from(browser, "fr-FR") as page:
        open_in(page, fake_page, "speaks")
        assert page.evaluate(f"[navigator.language, {LANG}]") == ["fr-FR", "en"]
        assert "Drop File Here" in page.inner_text("#recipe-drop")


def test_faults_are_told_in_german_and_a_voice_keeps_its_name(browser, fake_page):
    with coming_from(browser, "de-DE") as page:
        open_in(page, fake_page, "spricht")
        type_text(page, "Hello.")
        page.click("#speak-button")
        page.wait_for_function(LINE_OF, arg=["#speak-status", "Fertig: "])
        page.click("#keep-take button.label-wrap")
        page.click("#keep-take-save")
        assert page.get_by_test_id("toast-text").inner_text() == (
            "Bitte der Stimme einen Namen geben."
        )
        page.evaluate(TELL, 'There is no training "Zed". `python -m webui train list` lists them.')
        told = "Es gibt kein Training „Zed“. `python -m webui train list` zeigt sie."
        page.wait_for_function(LINE_OF, arg=["#told", told])
        page.fill("#keep-take-name input, #keep-take-name textarea", "Speak")
        page.click("#keep-take-save")
        page.wait_for_function(LINE_OF, arg=["#keep-take-status", "Speak steht in der"])
        page.get_by_role("tab", name="Stimmenbibliothek").click()
        in_table(page, "#voices", "Speak").click()
        page.wait_for_function(LINE_OF, arg=["#voice-details", "Kennung: "])
        assert page.inner_text("#voice-details strong") == "Speak"
        assert page.locator("#preview [data-testid=block-label]").inner_text().strip() == "Speak"


def test_a_voice_is_found_by_what_is_read_of_it(browser, fake_page):
    ada, bob = "Ada · {} · warm", "★ Bob · {}"
    for locale, strip, word, searches in (
        ("de-DE", "spricht", "Englisch", {"lisch": [bob, ada], "bob": [bob]}),
        ("zh-CN", "朗读", "英语", {"英": [bob, ada]}),
    ):
        with coming_from(browser, locale) as page:
            open_in(page, fake_page, strip)
            for typed, found in searches.items():
                find_voice(page, word, typed, [each.format(word) for each in found])


def find_voice(page, word, typed, found):
    """Search the list of voices, which says `word` for a language, and take the first one."""
    page.click("#speak-voice input")
    page.wait_for_function(LINE_OF, arg=["#speak-voice", word])
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(typed)
    page.keyboard.press("Shift")  # Gradio looks at what was typed when a key is pressed
    page.wait_for_function(OFFERED, arg=[found, typed])
    assert page.input_value("#speak-voice input") == typed
    page.keyboard.press("Enter")
    page.wait_for_function(CHOSEN, arg=found[0])


def test_lines_are_put_together_of_parts_that_are_known(browser, fake_page):
    known = {
        "Loading the model · Loading Bark small · about 1.5 h left": (
            "Modell wird geladen · Bark small wird geladen · noch etwa 1,5 h"
        ),
        "Sentence 2 of 5 · choosing the sounds of the words · try 2": (
            "Satz 2 von 5 · Laute der Wörter werden gewählt · Versuch 2"
        ),
        "1. 2.0–6.0 s of recording 1 · good, ends in a pause": (
            "1. 2,0–6,0 s aus Aufnahme 1 · gut, endet mit einer Pause"
        ),
        "This text has 1,500 words that nobody knows.": None,
        "12": "12",
        "Saved. Something that nobody knows.": "Gespeichert. Something that nobody knows.",
        "‘Speak’ is deleted.": "„Speak“ wurde gelöscht.",
    }
    with coming_from(browser, "de-DE") as page:
        open_in(page, fake_page, "spricht")
        said = page.evaluate("(texts) => texts.map(window.barkLanguage.say)", list(known))
        assert dict(zip(known, said, strict=True)) == known


def test_nothing_is_wider_than_a_phone_in_german(browser, fake_page):
    with coming_from(browser, "de-DE", width=390) as page:
        open_in(page, fake_page, "spricht")
        for name in GERMAN_TABS:
            page.get_by_role("tab", name=name, exact=True).click()
            page.evaluate(OPEN_FOLDS)
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
