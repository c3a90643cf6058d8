"""Takes the README's pictures from the real app: `python -m tests.e2e.screenshots [FOLDER]`."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.e2e.clone_steps import clone, consent, drop, go_to_clone_tab
from tests.e2e.conftest import CHROMIUM, CHROMIUM_FLAGS, ROOT, free_port, running
from tests.e2e.page_steps import in_table, open_page, sound_of_take, speak, wait_for_end
from webui.audio import write_audio

SIZE = {"width": 1180, "height": 800}
MAX_BYTES = 150_000
COLOURS = 96
PATIENCE_MS = 300_000
TEXT = "The moon is bright and the night is cold. I would like a cup of tea."


def main(folder: Path) -> None:
    """Walk through the page as a visitor does and keep what it shows."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        kept, port = Path(temporary), free_port()
        words = ("app.py", "--port", str(port), "--family", "mini", "--threads", "1")
        places = ("--speakers-dir", str(kept / "speakers"), "--outputs-dir", str(kept / "outputs"))
        with running(*words, *places, "--data-dir", str(kept / "state"), port=port) as address:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            context = browser.new_context(viewport=SIZE)
            context.set_default_timeout(PATIENCE_MS)
            page = open_page(context, address)
            page.get_by_role("button", name="Close the first steps").click()
            take_pictures(page, folder, kept / "speaker.wav")
            browser.close()


def take_pictures(page: Page, folder: Path, recording: Path) -> None:
    """Speak, clone what was spoken, and choose the clone in the library."""
    speak(page, "Good morning.")  # the model comes into memory
    wait_for_end(page)
    choose_voice(page, "Ada")
    speak(page, TEXT)
    page.wait_for_selector("#stop-button")
    wait_for_end(page)
    page.wait_for_selector("#live", state="hidden")
    sound, rate = sound_of_take(page)
    picture(page, folder / "speak.png")
    write_audio(recording, np.append(sound, np.zeros(rate // 2)).astype(np.float32), rate)
    go_to_clone_tab(page)
    drop(page, recording)
    page.fill("#clone-name input", "Anna")
    consent(page)
    clone(page)
    page.wait_for_function("document.querySelector('#clone-picture img').naturalHeight > 200")
    page.locator("#clone-question").evaluate("(each) => each.scrollIntoView()")
    picture(page, folder / "clone.png")
    page.click("#clone-keep-a")
    page.wait_for_selector("#clone-use")
    page.get_by_role("tab", name="Speaker Library").click()
    in_table(page, "#voices", "Anna").click()
    page.wait_for_selector("#preview")
    page.evaluate("window.scrollTo(0, 0)")
    picture(page, folder / "library.png")


def choose_voice(page: Page, name: str) -> None:
    """Pick a voice of the list on Text-to-Speech."""
    page.click("#speak-voice input")
    page.get_by_role("option", name=name).first.click()


def picture(page: Page, path: Path) -> None:
    """Keep what is seen, with as few colours as a page needs.

    Raises:
        SystemExit: the file is too large for a README.
    """
    page.wait_for_timeout(2_000)  # players draw their waves a moment later
    page.screenshot(path=path)
    with Image.open(path) as seen:
        seen.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    if size > MAX_BYTES:
        sys.exit(f"{path.name} has {size:,} bytes; {MAX_BYTES:,} are allowed.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
