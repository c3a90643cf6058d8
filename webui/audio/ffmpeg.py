"""Runs ffmpeg for the formats that soundfile lacks: bounded in time and memory, no network.

No other module of the app starts a program (`subprocess`), but that of Coqui's converters.
"""

import shutil
import subprocess
from collections.abc import Sequence

FFMPEG_SECONDS = 60  # of processor time; three times that on the clock


class FfmpegError(Exception):
    """It ended without a result; whoever asked knows what that means for the user."""


class FfmpegMissingError(FfmpegError):
    """It is not installed."""


def run_ffmpeg(
    arguments: Sequence[str],
    given: bytes = b"",
    seconds: int = FFMPEG_SECONDS,
) -> bytes:
    """Run ffmpeg and give what it writes to its standard output.

    Args:
        arguments: with the demuxer and the protocols named by us.
        given: its standard input.
        seconds: of processor time that it may take.

    Raises:
        FfmpegMissingError: it is not installed.
        FfmpegError: it failed, or took too long.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise FfmpegMissingError("ffmpeg is not installed")
    command = [program, "-nostdin", "-hide_banner", "-loglevel", "quiet"]
    command += ["-timelimit", str(seconds), "-max_alloc", str(2**28), "-threads", "1"]
    try:
        done = subprocess.run(  # noqa: S603  a list of arguments, no shell
            [*command, *arguments],
            input=given,
            capture_output=True,
            timeout=3 * seconds,
            env={},
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise FfmpegError("ffmpeg failed") from fault
    return done.stdout
