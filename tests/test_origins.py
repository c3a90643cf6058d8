"""A page of another site is told from our own, whatever its address looks like."""

import pytest

from webui.origins import is_own_origin


@pytest.mark.parametrize(
    ("origin", "host", "forwarded"),
    [
        ("http://localhost:7860", "localhost:7860", ""),
        ("https://Studio.example", "studio.example", ""),
        ("https://abc.gradio.live", "127.0.0.1:7860", "abc.gradio.live"),
        ("http://[::1]:7860", "[::1]:7860", ""),
    ],
)
def test_our_own_page_may_ask(origin, host, forwarded):
    assert is_own_origin(origin, host, forwarded)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:7861",
        "null",
        "",
        "http://",
        "http://[::1",
        "file://",
    ],
)
def test_another_sites_page_may_not(origin):
    assert not is_own_origin(origin, "localhost:7860", "")
    assert not is_own_origin(origin, "", "")
