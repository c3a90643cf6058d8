"""Starts the page: `python app.py`. Its flags are the settings; `--help` lists them."""

import errno
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from webui.cli_terminal import MisuseError, Parser, in_words, say, write_out
from webui.errors import SettingsError, UserError
from webui.settings import Settings
from webui.settings_flags import add_settings_flags, settings_from_flags

if TYPE_CHECKING:
    from webui.backend.service import Service
    from webui.ui.share_link import ShareLink

EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on
# Is told the page's address, its public link, and a name and password that were made up for it.
Announce = Callable[[str, str | None, tuple[str, str] | None], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Read the flags, start the page, and stay until somebody ends it."""
    meaning = "Bark Voice Studio, the page"
    parser = Parser(prog="python app.py", description=meaning, allow_abbrev=False)
    add_settings_flags(parser)
    try:
        return serve(settings_from_flags(parser.parse_args(argv)))
    except (UserError, OSError, ImportError) as fault:
        failure = in_words(fault)
        say(str(failure))
        return 2 if isinstance(failure, MisuseError) else 1


def announce(url: str, public_url: str | None, login: tuple[str, str] | None = None) -> None:
    """Say where the page is, and how to enter when a password was made up.

    Raises:
        OSError: nobody reads it.
        StorageError: it cannot be written.
    """
    lines = [f"Bark Voice Studio is at {url}"]
    lines += [f"Public link: {public_url}"] if public_url else []
    lines += [f"Name: {login[0]}  Password: {login[1]}"] if login else []
    write_out("\n".join(lines) + "\n")


def serve(settings: Settings, announce: Announce = announce) -> int:
    """Run the page until SIGINT or SIGTERM; then stop the work and leave nothing behind.

    Raises:
        SettingsError: the port is in use, or the address is not this machine's.
        OSError: nobody reads the announcement, or there is no room for temporary files.
    """
    with _told_to_end() as ended:
        port = free_port(settings.host, settings.port)
        with tempfile.TemporaryDirectory(prefix="bark-voice-studio-") as folder:
            # Gradio's default is one folder for all users of the machine, and torch would leave an
            # empty one behind.
            os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "page")
            os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(folder) / "torch"))
            _run(settings, port, Path(folder) / "takes", announce, ended)
    return 0


def free_port(host: str, port: int) -> int:
    """Check that a port can be listened on; 0 finds one that is free.

    Raises:
        SettingsError: it cannot, with what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            return int(probe.getsockname()[1])
    except (socket.gaierror, UnicodeError) as fault:
        raise SettingsError(f'The address "{host[:60]}" is not known. Check --host.') from fault
    except OSError as fault:
        raise SettingsError(_why_not(fault, host, port)) from fault


def _why_not(fault: OSError, host: str, port: int) -> str:
    if fault.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f'The address "{host}" is not one of this machine. Check --host.'
    if fault.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} is reserved by the system. Choose one from 1024 on with --port."
    return (
        f"Port {port} of {host} cannot be used ({fault.strerror}). End the program that "
        "uses it, or choose another port with --port."
    )


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, from before there is anything to clean up."""
    ended = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: ended.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(
    settings: Settings, port: int, takes: Path, announce: Announce, ended: threading.Event
) -> None:
    from webui.backend.service import Service
    from webui.http_api.routes import open_api
    from webui.ui.page import build_page, launch_options
    from webui.ui.share_link import ShareLink
    from webui.ui.space import bring_bark, missing_words
    from webui.ui.studio import open_studio
    from webui.ui.sweeping import Sweeper

    if ended.is_set():
        return
    login, link = made_up_login(settings), ShareLink()
    settings = replace(settings, auth=settings.auth or login)
    for words in missing_words(settings):
        say(words)
    service = Service(settings)
    studio = open_studio(service, settings, takes)
    page, sweeper = build_page(studio), Sweeper(studio)
    api = open_api(service, settings, takes.parent / "api")
    try:
        if settings.ray is not None:  # a cluster that is not there is told before there is a page
            count = service.devices()
            say(f"The cluster has {count} device{'' if count == 1 else 's'}.")
        options = launch_options(settings) | {"server_port": port}
        options["app_kwargs"]["routes"] += api.routes()
        page.launch(prevent_thread_lock=True, **options)
        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        announce(f"http://{name}:{port}", _public_link(settings, link, port), login)
        sweeper.start()
        bring_bark(studio)
        api.go_on()
        if not settings.zero_gpu:  # there the device is lent for one call at a time
            threading.Thread(target=_warm_up, args=(service,), daemon=True).start()
        ended.wait()
    finally:
        link.close()
        sweeper.stop()
        studio.desk.stop_all()
        studio.downloads.stop()
        api.close()
        service.close()
        page.close(verbose=False)


def made_up_login(settings: Settings) -> tuple[str, str] | None:
    """Make up a name and a password for a shared page that has none, so that no stranger enters."""
    from webui.ui.share_link import USER, new_password

    needs_one = settings.share and not (settings.auth or settings.public)
    return (USER, new_password()) if needs_one else None


def _public_link(settings: Settings, link: "ShareLink", port: int) -> str | None:
    """Open the tunnel that was asked for; where there is none, say why, and go on without."""
    if not settings.share:
        return None
    if settings.on_space:
        say("A Space has an address of its own: --share changes nothing here.")
        return None
    if settings.offline:
        say("There is no public link: the app is set to work offline. Start it without --offline.")
        return None
    host = "127.0.0.1" if settings.host in EVERY_ADDRESS else settings.host
    try:
        return link.open(host, port)
    except UserError as fault:
        say(str(fault))
        return None


def _warm_up(service: "Service") -> None:
    """Have the small built-in family in memory before the first text, so that it speaks at once.

    A real Bark takes gigabytes: it is loaded when somebody wants to hear it.
    """
    with suppress(UserError):
        if service.family().is_demo:
            for _ in service.load():
                pass


if __name__ == "__main__":
    sys.exit(main())
