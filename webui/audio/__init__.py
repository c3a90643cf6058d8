"""The one door for sound files: bounded reading, resampling, writing with the settings inside."""

from webui.audio.metadata import MAX_METADATA_BYTES, read_metadata
from webui.audio.opening import MAX_FILE_BYTES, READABLE
from webui.audio.rates import resample
from webui.audio.reading import (
    KEPT_RATE,
    MAX_CHANNELS,
    MAX_RATE,
    MAX_SECONDS,
    MIN_RATE,
    read_audio,
    read_audio_bytes,
)
from webui.audio.streaming import STREAMED_FORMATS, SoundStream
from webui.audio.writing import ALL_FORMATS, FORMATS, MP3_RATES, encode_audio, write_audio

__all__ = [
    "ALL_FORMATS",
    "FORMATS",
    "KEPT_RATE",
    "MAX_CHANNELS",
    "MAX_FILE_BYTES",
    "MAX_METADATA_BYTES",
    "MAX_RATE",
    "MAX_SECONDS",
    "MIN_RATE",
    "MP3_RATES",
    "READABLE",
    "STREAMED_FORMATS",
    "SoundStream",
    "encode_audio",
    "read_audio",
    "read_audio_bytes",
    "read_metadata",
    "resample",
    "write_audio",
]
