"""A headless Chromium, and the page as a program beside it."""

import contextlib
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


def pytest_runtest_protocol(item, nextitem):
    """Let a test with a browser that failed begin anew once: on a busy machine Chromium stalls."""
    if Path(__file__).parent not in item.path.parents:
        return None
    hook, node = item.ihook, {"nodeid": item.nodeid, "location": item.location}
    hook.pytest_runtest_logstart(**node)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        sys.stderr.write(f"{item.nodeid} failed and begins anew\n")
        item._initrequest()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(**node)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*words: str, port: int):
    """Run a program of the project until the page answers; end it by SIGTERM."""
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    address = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, "the page's program has ended"
            assert time.monotonic() < deadline, "the page does not answer"
            with contextlib.suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(address, timeout=5).close()
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
    port = free_port()
    with running("-m", "tests.e2e.fake_page", str(port), port=port) as address:
        yield address


@pytest.fixture
def visitor(browser):
    """A browser of somebody who was never here."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()
