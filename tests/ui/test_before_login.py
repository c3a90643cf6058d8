"""A page with a password: what can be fetched before anybody has entered it, and nothing else."""

import re

import httpx
import pytest

from tests.e2e.conftest import free_port
from webui.http_api.routes import open_api
from webui.settings import Settings
from webui.ui.page import build_page, launch_options
from webui.ui.page_languages import page_languages
from webui.ui.studio import open_studio

# The form in which the name and the password are typed, how it looks, and in which languages.
FORM = {"/", "/theme.css", "/gradio_api/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt"}
FORM |= {f"/languages/{each.code}.json" for each in page_languages()}
# Who is logged in (nobody), a number made at the start, a sign of life, and the list of calls.
NOBODY = {"/gradio_api/user", "/gradio_api/token", "/gradio_api/app_id"}
SIGNS = {"/gradio_api/startup-events", "/gradio_api/heartbeat/x", "/healthz"}
CALLS = {"/docs", "/openapi.json"}
EVERY_CALL = "/?all_endpoints=true"  # Gradio tells in the page which calls there are
VALUES = {"component_id": "1", "run": "1", "size": "64", "segment_id": "1", "environment": "client"}


@pytest.fixture
def locked(service, settings, tmp_path, monkeypatch):
    """The page as it is served with a password, with the API for programs, and its address."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    settings = Settings(
        auth=("bark", "a-long-password"), port=free_port(), data_dir=tmp_path / "data",
        outputs_dir=settings.outputs_dir,
    )  # fmt: skip
    page = build_page(open_studio(service, settings, tmp_path / "page"))
    api = open_api(service, settings, tmp_path / "api")
    options = launch_options(settings)
    options["app_kwargs"]["routes"] += api.routes()
    page.launch(prevent_thread_lock=True, **options)
    yield page, api, f"http://127.0.0.1:{settings.port}"
    page.close(verbose=False)
    api.close()


def places(routes):
    """The addresses that can be fetched, with something in each gap."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is not None:
            yield from places(inner)
        elif "GET" in (getattr(route, "methods", None) or {"GET"}) and "{rest" not in route.path:
            yield re.sub(r"\{(\w+)[^}]*\}", lambda gap: VALUES.get(gap[1], "x"), route.path)


def fetched(client, place):
    """What is answered; of a stream without end only that it is one."""
    with client.stream("GET", place) as answer:
        if "event-stream" in answer.headers.get("content-type", ""):
            return answer.status_code, b""
        return answer.status_code, answer.read()


@pytest.mark.slow
def test_before_the_password_only_the_form_can_be_fetched_with_its_words(locked):
    page, api, address = locked
    found = {*places(page.app.routes), *places(api.app.routes)}
    found |= {EVERY_CALL, "/v1/models/mini", "/v1/voices/ada-11111111", "/v1/jobs/job_0/result"}
    assert len(found) > 40
    with httpx.Client(base_url=address, timeout=30) as client:
        answers = {place: fetched(client, place) for place in sorted(found)}
        words = {each.address: client.get(each.address).json() for each in page_languages()}
    is_open = {place for place, (status, _) in answers.items() if status == 200}
    assert {place.rstrip("/") or "/" for place in is_open} == (
        FORM | NOBODY | SIGNS | CALLS | {EVERY_CALL}
    )
    for place in is_open:
        told = answers[place][1]
        assert b"ada-11111111" not in told  # no voice
        assert b'"dependencies":[{' not in told  # nothing of the page
        assert b"a-long-password" not in told
    assert b'"auth_required":true' in answers["/"][1]
    assert list(words.values()) == [each.words for each in page_languages()]
    for place in ("/config", "/gradio_api/info", "/gradio_api/queue/status", "/v1/audio/voices"):
        assert answers[place][0] == 401
