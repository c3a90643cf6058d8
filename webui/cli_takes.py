"""Several takes of one text for `python -m webui speak`: one pass, and a file for each."""

from collections.abc import Iterator
from pathlib import Path

from webui.errors import SettingsError
from webui.events import Done, Event, Speech
from webui.synthesis.controls import MAX_TAKES


def check_takes(takes: int, out: str, save_voice: Path | None) -> None:
    """Refuse what only one speech can be asked for.

    Raises:
        SettingsError: there are too few or too many, or several are to go to standard output or
            to be kept as one voice.
    """
    if not 1 <= takes <= MAX_TAKES:
        raise SettingsError(f"--takes is {takes}; it must lie between 1 and {MAX_TAKES}.")
    if takes > 1 and out == "-":
        raise SettingsError(
            "--takes makes several sounds, and standard output holds one. Give --out a file."
        )
    if takes > 1 and save_voice is not None:
        raise SettingsError(
            "--save-voice keeps one speech as a voice. Speak the take that you like alone, with "
            "its seed, and keep that."
        )


def take_file(out: str, take: int, takes: int) -> str:
    """Name the file of a take, counted from 1: out-1.wav, out-2.wav and so on."""
    path = Path(out)
    return out if takes == 1 else str(path.with_name(f"{path.stem}-{take}{path.suffix}"))


def gathered(events: Iterator[Event], takes: int, kept: list[Speech | None]) -> Iterator[Event]:
    """Keep what each take became, and pass on one end for all of them."""
    for event in events:
        if isinstance(event, Done):
            kept.append(event.result)
            if len(kept) < takes:
                continue
        yield event
