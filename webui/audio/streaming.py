"""Encodes a sound that is still being made: what is ready can be sent at once."""

import io
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import soundfile

from webui.arrays import Waveform
from webui.audio.rates import RateStream
from webui.audio.reading import KEPT_RATE
from webui.audio.writing import MP3_RATES, as_samples, metadata_comment, wav_comment, wav_format
from webui.errors import AudioFileError

STREAMED_FORMATS = ("wav", "mp3", "pcm")
PCM_RATE = 24_000  # Hz; the rate of OpenAI's pcm, which names none itself
MP3_COMPRESSION = 0.5  # of 0..1: 80 kbit a second at 16 and 24 kHz
UNKNOWN_BYTES = 0xFFFF_FFFF  # as a wav file's length: it ends where it ends


class SoundStream:
    """One sound on its way: `add` its pieces in their order, then `finish`; in the end `close`.

    Args:
        audio_format: one of `STREAMED_FORMATS`. Raw pcm has 16 bit and always `PCM_RATE`.
        rate: samples per second of what comes in.
        metadata: as in `write_audio`; raw pcm has no place for them.

    Raises:
        AudioFileError: an unknown format, or settings that are too long.
    """

    def __init__(
        self, audio_format: str, rate: int, metadata: Mapping[str, Any] | None = None
    ) -> None:
        if audio_format not in STREAMED_FORMATS:
            raise AudioFileError(f'Sound as "{audio_format[:20]}" is made whole, not in pieces.')
        comment = metadata_comment(metadata)
        sent_rate = rate
        if audio_format == "pcm":
            sent_rate = PCM_RATE
        elif audio_format == "mp3" and rate not in MP3_RATES:
            sent_rate = KEPT_RATE
        self._rates = RateStream(rate, sent_rate)
        self._head = _wav_head(sent_rate, comment) if audio_format == "wav" else b""
        self._mp3 = _Mp3(sent_rate, comment) if audio_format == "mp3" else None

    def add(self, waveform: Waveform) -> bytes:
        """Encode one more piece; the bytes of all pieces make the file."""
        return self._encoded(self._rates.add(waveform))

    def finish(self) -> bytes:
        """Give the rest: no piece follows."""
        rest = self._encoded(self._rates.add(np.zeros(0, np.float32), is_last=True))
        return rest if self._mp3 is None else rest + self._mp3.finish()

    def close(self) -> None:
        """Give up a sound that may have no end; after `finish` this changes nothing."""
        if self._mp3 is not None:
            self._mp3.close()

    def _encoded(self, waveform: Waveform) -> bytes:
        samples = as_samples(waveform)
        if self._mp3 is not None:
            return self._mp3.add(samples)
        head, self._head = self._head, b""
        return head + samples.tobytes()


class _Mp3:
    """An mp3 file in memory that is sent while it grows."""

    def __init__(self, rate: int, comment: str) -> None:
        self._memory = io.BytesIO()
        # A constant rate lets players tell the length of a file whose head does not say it.
        self._file = soundfile.SoundFile(
            self._memory,
            "w",
            rate,
            1,
            format="MP3",
            bitrate_mode="CONSTANT",
            compression_level=MP3_COMPRESSION,
        )
        if comment:
            self._file.comment = comment
        self._sent = 0

    def add(self, samples: np.ndarray) -> bytes:
        self._file.write(samples)
        return self._news()

    def finish(self) -> bytes:
        self.close()  # also writes the length into a head that is already sent
        return self._news()

    def close(self) -> None:
        self._file.close()

    def _news(self) -> bytes:
        grown = self._memory.getbuffer()[self._sent :].tobytes()
        self._sent += len(grown)
        return grown


def _wav_head(rate: int, comment: str) -> bytes:
    """All that stands before the samples; no length is known yet."""
    endless = struct.pack("<I", UNKNOWN_BYTES)
    inside = wav_format(rate) + wav_comment(comment.encode("ascii"))
    return b"RIFF" + endless + b"WAVE" + inside + b"data" + endless
