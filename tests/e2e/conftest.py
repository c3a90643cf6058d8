"""A headless Chromium, and the page as a program beside it."""

import contextlib
import multiprocessing
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Chromium prepares two menus of its address bar for each new window, which costs a fifth of what
# opening our page costs. Only the last list of features counts, so playwright's own are in ours.
NOT_NEEDED = [
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
    "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync", "AimEnabled",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades",
    "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints",
    "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning",
]  # fmt: skip
CHROMIUM_FLAGS = [
    f"--disable-features={','.join(NOT_NEEDED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]
START_SECONDS = 90
END_SECONDS = 20
# Importing Gradio takes five times as long as laying out the page: one process does it, once for
# all tests of a worker, and each page over the scripted service is a fork of it.
FORKS = multiprocessing.get_context("forkserver")
IMPORTED = ["tests.e2e.fake_page", "webui.ui.page", "webui.ui.studio"]


def pytest_runtest_protocol(item, nextitem):
    """Let a test with a browser that failed begin anew once: on a busy machine Chromium stalls."""
    if Path(__file__).parent not in item.path.parents:
        return None
    hook, node = item.ihook, {"nodeid": item.nodeid, "location": item.location}
    hook.pytest_runtest_logstart(**node)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        said = [line for each in reports for line in each.longreprtext.splitlines()]
        faults = [line[1:].strip() for line in said if line.startswith("E ")]
        sys.stderr.write(f"{item.nodeid} failed and begins anew: {' / '.join(faults)}\n")
        item._initrequest()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(**node)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Note whether a test failed, for the fixtures that it used."""
    report = yield
    item.has_failed = report.failed
    return report


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*words: str, port: int):
    """Run a program of the project until the page answers; end it by SIGTERM."""
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        yield wait_for_answer(port, lambda: process.poll() is None)
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running_fake_page(*words: str):
    """Run a page over the scripted service, with nothing in it that another one has changed."""
    from tests.e2e.fake_page import main

    FORKS.set_forkserver_preload(IMPORTED)
    port = free_port()
    process = FORKS.Process(target=main, args=(port, *words), daemon=True)
    process.start()
    try:
        yield wait_for_answer(port, process.is_alive)
    finally:
        process.terminate()
        process.join(END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def wait_for_answer(port: int, is_alive) -> str:
    """The address of a page as soon as it answers there."""
    address = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert is_alive(), "the page's program has ended"
        assert time.monotonic() < deadline, "the page does not answer"
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return address
        time.sleep(0.2)


@pytest.fixture(scope="module")
def driver():
    """Playwright; while it is there no other test of this thread can run an event loop."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(driver):
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
    yield browser
    browser.close()


@contextlib.contextmanager
def speaking_into_the_microphone(driver, sound: Path):
    """A visitor whose microphone hears a wav file, once."""
    hears = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}%noloop",
    ]
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_FLAGS, *hears])
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    try:
        yield context
    finally:
        browser.close()


@pytest.fixture(scope="module")
def fake_page(browser):
    with running_fake_page() as address:
        yield address


@contextlib.contextmanager
def somebody(browser, **changes):
    """A browser of somebody who was never here."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | changes)
    context.set_default_timeout(30_000)
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def visitor(browser):
    with somebody(browser) as context:
        yield context


class LastingPage:
    """A page that tests use one after the other: opening one takes longer than most of them.

    For tests that wait for words of their own. After a test that failed it is opened anew.
    """

    def __init__(self, browser) -> None:
        self._browser = browser
        self._left = contextlib.ExitStack()
        self._page = None

    def opened_by(self, open_page, address):
        """The page, opened by `open_page(visitor, address)` when there is none."""
        if self._page is None:
            visitor = self._left.enter_context(somebody(self._browser))
            self._page = open_page(visitor, address)
        return self._page

    def close(self) -> None:
        self._left.close()
        self._page = None


@pytest.fixture(scope="module")
def page_of_the_module(browser):
    page = LastingPage(browser)
    yield page
    page.close()


@pytest.fixture
def lasting_page(request, page_of_the_module):
    yield page_of_the_module
    if request.node.has_failed:
        page_of_the_module.close()
