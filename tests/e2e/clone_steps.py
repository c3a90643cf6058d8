"""What a visitor does on the Voice Clone tab, for the end-to-end tests."""

from tests.e2e.page_steps import open_page


def open_clone_tab(visitor, address):
    page = open_page(visitor, address)
    go_to_clone_tab(page)
    return page


def go_to_clone_tab(page):
    page.get_by_role("tab", name="Voice Clone").click()
    page.wait_for_selector("#clone-button")
    page.wait_for_selector("#clone-files input[type=file]", state="attached")


def drop(page, *files):
    """Give files and wait until they were looked at and can be cloned."""
    page.set_input_files("#clone-files input[type=file]", [str(file) for file in files])
    page.wait_for_selector("#clone-button:not([disabled])")


def choose(page, element, option):
    """Pick an option of a dropdown."""
    page.click(f"{element} input")
    page.get_by_role("option", name=option).click()


def consent(page):
    page.check("#clone-consent input")


def clone(page):
    page.click("#clone-button")
    page.wait_for_function(
        "/^(Done|Stopped)/.test(document.querySelector('#clone-status').innerText)"
    )
    page.wait_for_selector("#clone-stop", state="hidden")


def status(page) -> str:
    return page.inner_text("#clone-status").strip()
