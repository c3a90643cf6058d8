"""The public link of a page on this machine: made by Gradio's tunnel, with words when it fails."""

import contextlib
import io
import json
import secrets
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from webui.errors import DownloadError

USER = "bark"
PASSWORD_CHARACTERS = 20
ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that looks alike
PATIENCE_SECONDS = 30.0
MAX_ANSWER_BYTES = 2**16
STILL_LOCAL = "The page itself works at its local address."
NO_SERVICE = (
    "No public link could be made: the service that gives it (gradio.live) does not answer. Check "
    f"the internet connection, or try again later. {STILL_LOCAL}"
)
NO_PROGRAM = (
    "No public link could be made: the program for the tunnel (frpc) could not be downloaded or "
    "started. A virus scanner or a company's network may block it: allow "
    "cdn-media.huggingface.co, or copy the program to {place}. "
) + STILL_LOCAL
DAMAGED_PROGRAM = (
    "No public link was made: the program for the tunnel (frpc) is not the one that was published, "
    f"so it was deleted. Try again. {STILL_LOCAL}"
)
NO_TUNNEL = (
    "No public link could be made: the tunnel did not open within half a minute. A firewall may "
    f"block it, or the service is down; try again later. {STILL_LOCAL}"
)

Open = Callable[[str, int, Path], str]  # host, port, and a folder for the tunnel's own files


def new_password() -> str:
    """Make a password that can be read out and typed."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_CHARACTERS))


class ShareLink:
    """One tunnel; closing it again changes nothing."""

    def __init__(self, open_tunnel: Open | None = None) -> None:
        self._open_tunnel = open_tunnel or _open_tunnel
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self, host: str, port: int) -> str:
        """Make a page of this machine reachable from everywhere, and give the address.

        Raises:
            DownloadError: there is no link, with what to do.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="bark-tunnel-")
        quiet = io.StringIO()  # the terminal is ours to fill
        try:
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                return self._open_tunnel(host, port, Path(self._folder.name))
        except Exception as fault:
            self.close()
            raise DownloadError(_why_not(fault)) from fault

    def close(self) -> None:
        """End the tunnel and leave nothing of it behind."""
        if self._folder is None:
            return
        from gradio import tunneling

        for tunnel in tunneling.CURRENT_TUNNELS:
            if tunnel.proc is not None:
                tunnel.proc.terminate()
                tunnel.proc.wait()
                tunnel.proc = None
        tunneling.CURRENT_TUNNELS.clear()
        self._folder.cleanup()
        self._folder = None


class ServiceSilentError(Exception):
    """The service that tells where tunnels begin did not answer."""


def _why_not(fault: Exception) -> str:
    """Say why there is no link; a tunnel's program that somebody changed is not kept."""
    from gradio import tunneling
    from gradio.exceptions import ChecksumMismatchError

    place = tunneling.BINARY_PATH
    if isinstance(fault, ChecksumMismatchError):
        Path(place).unlink(missing_ok=True)
        return DAMAGED_PROGRAM
    if isinstance(fault, ServiceSilentError):
        return NO_SERVICE
    if isinstance(fault, ValueError):  # what Gradio raises with the program's log
        return NO_TUNNEL
    return NO_PROGRAM.format(place=place)


def _open_tunnel(host: str, port: int, folder: Path) -> str:
    """Ask where tunnels begin, bring the tunnel's program, and start it."""
    from gradio import networking
    from gradio.tunneling import Tunnel

    server = networking.GRADIO_SHARE_SERVER_ADDRESS
    certificate = None
    if server is None:
        try:
            asked = networking.GRADIO_API_SERVER
            with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310  Gradio's own
                told = json.loads(answer.read(MAX_ANSWER_BYTES))[0]
            remote, remote_port = str(told["host"]), int(told["port"])
            trusted = folder / "certificate.pem"
            trusted.write_text(str(told["root_ca"]))
            certificate = str(trusted)
        except (OSError, ValueError, LookupError, TypeError) as fault:
            raise ServiceSilentError from fault
    else:
        remote, _, number = server.rpartition(":")
        remote_port = int(number)
    token = secrets.token_urlsafe(32)
    address = Tunnel(remote, remote_port, host, port, token, certificate).start_tunnel()
    return address if server is not None else address.replace("http://", "https://", 1)
