"""The public link: a tunnel that is opened and closed, a password, and words when there is none."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio import networking, tunneling
from gradio.exceptions import ChecksumMismatchError

from webui.errors import DownloadError
from webui.ui.share_link import ALPHABET, PASSWORD_CHARACTERS, ShareLink, new_password


class Program:
    """A running tunnel program."""

    def __init__(self) -> None:
        self.ended = []

    def terminate(self) -> None:
        self.ended.append("terminated")

    def wait(self) -> None:
        self.ended.append("waited for")


@pytest.fixture(autouse=True)
def no_tunnels(monkeypatch):
    monkeypatch.setattr(tunneling, "CURRENT_TUNNELS", [])


def test_a_password_is_long_can_be_read_out_and_never_comes_twice():
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(each) == PASSWORD_CHARACTERS and set(each) <= set(ALPHABET) for each in made)
    assert not set("lIO01") & set(ALPHABET)


def test_a_link_that_is_closed_leaves_no_program_and_no_file():
    program, seen = Program(), []

    def opened(host, port, folder):
        (folder / "certificate.pem").write_text("x")
        seen.append((host, port, folder))
        tunneling.CURRENT_TUNNELS.append(SimpleNamespace(proc=program))
        return "https://abc.gradio.live"

    link = ShareLink(opened)
    assert link.open("127.0.0.1", 7860) == "https://abc.gradio.live"
    (host, port, folder), = seen  # fmt: skip
    assert (host, port, folder.is_dir()) == ("127.0.0.1", 7860, True)
    link.close()
    link.close()
    assert program.ended == ["terminated", "waited for"]
    assert not folder.exists()
    assert tunneling.CURRENT_TUNNELS == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ChecksumMismatchError(), "is not the one that was published"),
        (ValueError("Could not create share URL."), "A firewall may block it"),
        (PermissionError(13, "no"), "A virus scanner or a company's network may block it"),
        (RuntimeError("404"), "cdn-media.huggingface.co"),
    ],
)
def test_why_there_is_no_link_is_said_with_what_to_do(fault, words, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(tmp_path / "frpc"))
    (tmp_path / "frpc").write_bytes(b"x")

    def fails(host, port, folder):
        print("a log of the tunnel")  # noqa: T201  as the real one
        raise fault

    link = ShareLink(fails)
    with pytest.raises(DownloadError) as told:
        link.open("127.0.0.1", 7860)
    link.close()
    assert words in str(told.value)
    assert str(told.value).endswith("The page itself works at its local address.")
    assert capsys.readouterr().out == ""


def test_a_program_that_is_not_the_published_one_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(tunneling, "BINARY_PATH", str(tmp_path / "frpc"))
    (tmp_path / "frpc").write_bytes(b"x")

    def fails(host, port, folder):
        raise ChecksumMismatchError

    with pytest.raises(DownloadError):
        ShareLink(fails).open("127.0.0.1", 7860)
    assert not (tmp_path / "frpc").exists()


@pytest.mark.parametrize(
    "answer", [b"", b"<html>Sign in to the hotel's network</html>", b"[]", b'[{"host": 1}]']
)
def test_a_service_that_is_down_or_hidden_by_a_network_is_told(answer, monkeypatch, tmp_path):
    place = tmp_path / "answer"
    place.write_bytes(answer)
    monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", None)
    monkeypatch.setattr(networking, "GRADIO_API_SERVER", place.as_uri())
    with pytest.raises(DownloadError, match="the service that gives it"):
        ShareLink().open("127.0.0.1", 7860)


def test_the_tunnel_leads_to_this_page_with_the_certificate_of_the_service(monkeypatch, tmp_path):
    place, made = tmp_path / "answer", []
    place.write_text(json.dumps([{"host": "t.example", "port": "7000", "root_ca": "CERT"}]))
    monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", None)
    monkeypatch.setattr(networking, "GRADIO_API_SERVER", place.as_uri())

    class Tunnel:
        def __init__(self, *values):
            made.append((*values[:4], Path(values[5]).read_text(), len(values[4]) > 30))

        def start_tunnel(self):
            return "http://abc.gradio.live"

    monkeypatch.setattr(tunneling, "Tunnel", Tunnel)
    link = ShareLink()
    assert link.open("127.0.0.1", 7861) == "https://abc.gradio.live"
    link.close()
    assert made == [("t.example", 7000, "127.0.0.1", 7861, "CERT", True)]
