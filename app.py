"""Starts the page: `python app.py`. Its flags are the settings; `--help` lists them."""

import argparse
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from webui.errors import SettingsError, UserError
from webui.settings import Settings
from webui.settings_flags import add_settings_flags, settings_from_flags


def main(argv: Sequence[str] | None = None) -> int:
    """Read the flags, start the page, and stay until somebody ends it."""
    parser = argparse.ArgumentParser(prog="app.py", description="Bark Voice Studio, the page")
    add_settings_flags(parser)
    try:
        return serve(settings_from_flags(parser.parse_args(argv)))
    except UserError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1


def serve(settings: Settings) -> int:
    """Run the page until SIGINT or SIGTERM; then stop the work and leave nothing behind.

    Raises:
        SettingsError: the port is in use, or the address is not this machine's.
    """
    port = free_port(settings.host, settings.port)
    with tempfile.TemporaryDirectory(prefix="bark-voice-studio-") as folder:
        # Gradio's default is one folder for all users of the machine.
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "page")
        _run(settings, port, Path(folder) / "takes")
    return 0


def free_port(host: str, port: int) -> int:
    """Check that a port can be listened on; 0 finds one that is free.

    Raises:
        SettingsError: it cannot, with what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except socket.gaierror as fault:
            raise SettingsError(f'The address "{host}" is not known. Check --host.') from fault
        except OSError as fault:
            raise SettingsError(
                f"Port {port} of {host} cannot be used ({fault.strerror}). End the program that "
                "uses it, or choose another port with --port."
            ) from fault
        return int(probe.getsockname()[1])


def _run(settings: Settings, port: int, takes: Path) -> None:
    from webui.backend.service import Service

    from webui.ui.page import build_page, launch_options
    from webui.ui.studio import open_studio

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    service = Service(settings)
    studio = open_studio(service, settings, takes)
    page = build_page(studio)
    try:
        options = launch_options(settings) | {"server_port": port}
        page.launch(prevent_thread_lock=True, **options)
        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        sys.stdout.write(f"Bark Voice Studio is at http://{name}:{port}\n")
        if page.share_url:
            sys.stdout.write(f"Public link: {page.share_url}\n")
        sys.stdout.flush()
        ended.wait()
    finally:
        studio.desk.stop_all()
        studio.downloads.stop()
        service.close()
        page.close(verbose=False)


if __name__ == "__main__":
    sys.exit(main())
