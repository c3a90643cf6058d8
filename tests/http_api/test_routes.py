"""What needs no key: health, the description of the API, and its own plain page."""

import re

import httpx

from webui.backend.facts import ServiceStatus

CALLS = {
    ("post", "/v1/audio/speech"),
    ("get", "/v1/audio/voices"),
    ("post", "/v1/voices"),
    ("get", "/v1/voices/{voice_id}"),
    ("delete", "/v1/voices/{voice_id}"),
    ("get", "/v1/voices/{voice_id}/file"),
    ("get", "/v1/models"),
    ("get", "/v1/models/{model}"),
    ("post", "/v1/jobs"),
    ("get", "/v1/jobs/{job_id}"),
    ("get", "/v1/jobs/{job_id}/events"),
    ("get", "/v1/jobs/{job_id}/result"),
    ("get", "/v1/jobs/{job_id}/subtitles"),
    ("post", "/v1/jobs/{job_id}/cancel"),
    ("post", "/v1/jobs/{job_id}/resume"),
    ("delete", "/v1/jobs/{job_id}"),
    ("get", "/healthz"),
}


def test_health_says_what_speaks_and_how_much_waits(local):
    told = httpx.get(f"{local.address}/healthz").json()
    assert told["status"] == "ok"
    assert (told["model"], told["waiting"], told["running"]) == ("mini", 0, 0)
    local.service.state_now = ServiceStatus("no_model", "No model yet")
    assert httpx.get(f"{local.address}/healthz").json()["status"] == "no_model"


def test_the_description_lists_every_call(local):
    schema = httpx.get(f"{local.address}/openapi.json").json()
    found = {(method, path) for path, calls in schema["paths"].items() for method in calls}
    assert found == CALLS


def test_the_page_of_the_api_shows_every_call_and_asks_no_other_host(local):
    answer = httpx.get(f"{local.address}/docs")
    page = answer.text
    for method, path in CALLS:
        assert f"<code>{method.upper()} {path}</code>" in page
    assert "<code>stream_format</code></td><td>audio | sse, usually audio</td>" in page
    assert "<code>consent</code></td><td>string, needed</td>" in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == ["openapi.json"]
    assert "<script" not in page


def test_an_address_that_is_none_and_a_wrong_method_are_told_as_openai_does(local):
    for method, path, status in (("GET", "/v1/nothing", 404), ("PUT", "/v1/models", 405)):
        answer = httpx.request(method, local.address + path)
        assert answer.status_code == status
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert "/docs lists" in answer.json()["error"]["message"]
