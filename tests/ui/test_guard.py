import asyncio
from dataclasses import replace

import pytest

from webui.settings import Settings
from webui.ui.guard import Guard, GuardRules

HOST = "127.0.0.1:7860"


def ask(rules=None, method="GET", path="/", body=(), **headers):
    """One request through the guard; gives the answer's status, headers and what the app read."""
    read = []

    async def app(scope, receive, send):
        while True:
            message = await receive()
            read.append(message)
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    waiting.append({"type": "http.request", "body": b""})
    answer = []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        answer.append(message)

    sent = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http", "method": method, "path": path,
        "headers": [(key.encode(), value.encode()) for key, value in sent.items()],
    }  # fmt: skip
    asyncio.run(Guard(app, rules or GuardRules())(scope, receive, send))
    return answer[0]["status"], dict(answer[0]["headers"]), read


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "LOCALHOST:1", "[::1]:7860"])
def test_the_page_answers_under_its_own_names(host):
    assert ask(host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.x"])
def test_a_name_made_to_point_here_gets_nothing(host):
    status, _, read = ask(host=host)
    assert (status, read) == (403, [])


def test_an_open_address_answers_under_numbers_but_not_under_names():
    rules = GuardRules.from_settings(Settings(host="0.0.0.0"))  # noqa: S104
    assert ask(rules, host="192.168.1.5:7860")[0] == 200
    assert ask(rules, host="evil.example:7860")[0] == 403


def test_a_public_page_answers_under_any_name():
    rules = GuardRules.from_settings(replace(Settings(), public=True))
    assert ask(rules, host="me-bark.hf.space")[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": f"http://{HOST}"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-origin"}, 200),
    ],
)
def test_only_our_own_page_or_a_program_may_change_anything(headers, status):
    assert ask(method="POST", **headers)[0] == status


def test_another_site_may_look_but_not_frame():
    status, headers, _ = ask(origin="http://evil.example")
    assert status == 200
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert b"frame-ancestors 'self'" in headers[b"content-security-policy"]


@pytest.mark.parametrize("length", [str(2**40), "-1", "x"])
def test_a_body_declared_too_long_is_refused_unread(length):
    status, _, read = ask(method="POST", content_length=length)
    assert (status, read) == (413, [])


@pytest.mark.parametrize(
    "reached",
    [
        {"public": True}, {"auth": ("a", "b")}, {"share": True},
        {"host": "0.0.0.0"}, {"host": "192.168.1.7"},  # noqa: S104
    ],
)  # fmt: skip
def test_only_the_owner_of_the_machine_may_send_what_is_large(reached):
    length = str(2**30)
    own = GuardRules.from_settings(Settings())
    files = {"method": "POST", "path": "/gradio_api/upload", "content_length": length}
    assert ask(own, **files)[0] == 200
    assert ask(own, method="POST", content_length=length)[0] == 413  # files only
    rules = GuardRules.from_settings(replace(Settings(), **reached))
    assert ask(rules, **files)[0] == 413


def test_a_body_that_grows_too_long_is_cut_off():
    rules = GuardRules(max_body_bytes=10)
    _, _, read = ask(rules, method="POST", body=[b"12345678", b"12345678"])
    assert read[-1] == {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=http://x.example/a", "/gradio_api/proxy=https://x", "/file=//x"]
)
def test_routes_that_fetch_from_other_places_are_shut(path):
    assert ask(path=path)[0] == 403


CALL = "/gradio_api/queue/join"
FOREIGN = b'{"data": [[{"x": {"path": "https://evil.example/a.wav", "meta": {}}}]]}'


@pytest.mark.parametrize(
    "body",
    [
        [FOREIGN],
        [FOREIGN[:20], FOREIGN[20:]],
        [FOREIGN.replace(b"https:", b"http:")],
        [FOREIGN.replace(b"https:", b"\\u0068ttps:")],
        [FOREIGN.replace(b"https://", b"https:\\/\\/")],
        [FOREIGN.replace(b'"meta": {}', b'"path": "here.wav"')],
        [b"[" * 200_000],
    ],
)
def test_a_file_that_lies_elsewhere_is_not_fetched(body):
    status, _, read = ask(method="POST", path=CALL, body=body)
    assert (status, read) == (403, [])


def test_files_that_were_uploaded_and_their_addresses_pass():
    own = b'{"data": [{"path": "/tmp/a.wav", "url": "http://127.0.0.1:7860/gradio_api/file=a"}]}'
    status, _, read = ask(method="POST", path=CALL, body=[own[:9], own[9:]])
    assert status == 200
    assert b"".join(each.get("body", b"") for each in read) == own


def test_what_is_no_json_is_left_to_gradio():
    assert ask(method="POST", path=CALL, body=[b"\xff{"])[0] == 200


def test_a_file_is_not_searched_for_addresses():
    status, _, read = ask(method="POST", path="/gradio_api/upload", body=[FOREIGN])
    assert status == 200
    assert read[0]["body"] == FOREIGN
