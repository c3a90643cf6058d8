"""What every voice converter can do."""

from typing import Protocol, runtime_checkable

from webui.arrays import OtherWaveform, Waveform


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
