"""What a visitor does on the page and what their ears and eyes get, for the end-to-end tests."""

import base64
import io

import soundfile

ENDED = "() => /^(Done|Stopped)/.test(document.querySelector('#speak-status').innerText)"
# The player keeps its sound in a shadow tree, as a blob of the file.
HEARD = """async (place) => {
  const found = [];
  const look = (root) => root.querySelectorAll("*").forEach((each) => {
    if (each.tagName === "AUDIO" && each.src) found.push(each);
    if (each.shadowRoot) look(each.shadowRoot);
  });
  const player = document.querySelector(place);  // comes a moment after the words
  if (player) look(player);
  if (!found.length) return null;
  const bytes = new Uint8Array(await (await fetch(found[0].src)).arrayBuffer());
  let text = "";
  for (const each of bytes) text += String.fromCharCode(each);
  return btoa(text);
}"""


def open_page(visitor, address):
    page = visitor.new_page()
    page.goto(address)
    wait_until_filled(page)
    return page


def wait_until_filled(page):
    page.wait_for_function("document.querySelector('#strip-words')?.innerText.includes('speaks')")
    page.wait_for_selector("#speak-button:not([disabled])")


def type_text(page, text):
    page.fill("#speak-text textarea", text)


def speak(page, text):
    type_text(page, text)
    page.click("#speak-button")


def wait_for_end(page):
    page.wait_for_function(ENDED)
    page.wait_for_selector("#stop-button", state="hidden")


def status(page) -> str:
    return page.inner_text("#speak-status").strip()


def sound_of_take(page):
    """What the take's audio element holds: the samples and their rate."""
    return sound_of(page, "#take")


def sound_of(page, place):
    """What the audio element of a player holds: the samples and their rate."""
    # Playwright takes the promise of nothing for something, so it is asked again from here.
    for _ in range(100):
        text = page.evaluate(HEARD, place)
        if text is not None:
            break
        page.wait_for_timeout(200)
    assert text is not None, "the player got no sound"
    data = base64.b64decode(text)
    assert data[:4] == b"RIFF"
    return soundfile.read(io.BytesIO(data))


def in_table(page, table, text):
    """A cell that is seen; the tables keep a hidden copy of themselves for measuring."""
    return page.locator(table).get_by_text(text).locator("visible=true").first
