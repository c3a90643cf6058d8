"""What every voice converter can do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from webui.arrays import OtherWaveform, Waveform
from webui.events import CancelToken, when_cancelled


@runtime_checkable
class Converter(Protocol):
    """Moves speech to another voice."""

    name: str  # what requests and files call it
    title: str  # what people call it
    licence: str

    def convert(
        self, source: Waveform, source_rate: int, target: OtherWaveform, target_rate: int
    ) -> tuple[OtherWaveform, int]:
        """Say what `source` says in the voice of `target`.

        Args:
            source: what is said.
            source_rate: its sample rate in Hz.
            target: speech of the wanted voice.
            target_rate: its sample rate in Hz.

        Returns:
            The sound, as long as `source` (within 20 ms), and its sample rate in Hz.
        """
        ...


@runtime_checkable
class SlowConverter(Converter, Protocol):
    """A converter whose work can be given up from another thread."""

    def give_up(self) -> None:
        """End the conversion that runs, which then raises; without one nothing happens."""
        ...


@contextmanager
def given_up_by(cancel: CancelToken, converter: Converter) -> Iterator[None]:
    """Pass a Stop on to a converter that can be stopped while it works."""
    if not isinstance(converter, SlowConverter):
        yield
        return
    with when_cancelled(cancel, converter.give_up):
        yield
