"""The second teacher's voice: espeak-ng through its C library, with the moment of every phoneme."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

_SONAME = "libespeak-ng.so.1"
# From espeak-ng's speak_lib.h.
_SYNCHRONOUS, _PHONEME_EVENTS = 2, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_UTF8, _END_PAUSE = 1, 0x1000
_TERMINATED, _PHONEME = 0, 7
VOLUME = 50  # of 100; louder voices would be clipped


class _Identity(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Phoneme:
    """One of espeak-ng's phonemes by its mnemonic, and the sample with which it begins."""

    mnemonic: str
    start: int


@dataclass
class _Spoken:
    """What the library has called back with since the last text."""

    sound: list[np.ndarray] = field(default_factory=list)
    phonemes: list[Phoneme] = field(default_factory=list)

    def take(self, samples, count: int, events) -> int:  # noqa: ANN001
        """Keep one buffer; zero tells the library to go on."""
        if samples and count:
            self.sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _TERMINATED:
            event = events[index]
            if event.type == _PHONEME:
                self.phonemes.append(Phoneme(event.id.string.decode(), event.sample))
            index += 1
        return 0


@dataclass(frozen=True)
class _Opened:
    library: ctypes.CDLL
    rate: int  # samples a second
    spoken: _Spoken
    callback: Callable[..., int]  # kept alive: the library calls it


@cache
def _opened() -> _Opened:
    library = ctypes.CDLL(_SONAME)
    text, number = ctypes.c_char_p, ctypes.c_int
    signatures = {
        "espeak_Initialize": [number, number, text, number],
        "espeak_SetSynthCallback": [_Callback],
        "espeak_SetVoiceByName": [text],
        "espeak_SetParameter": [number, number, number],
        "espeak_Synth": [
            text,
            ctypes.c_size_t,
            ctypes.c_uint,
            number,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ],
    }
    for name, arguments in signatures.items():
        getattr(library, name).argtypes = arguments
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
    assert rate > 0, "espeak-ng does not find its data"
    spoken = _Spoken()
    callback = _Callback(spoken.take)
    library.espeak_SetSynthCallback(callback)
    return _Opened(library, rate, spoken, callback)


def synthesise(
    text: str, voice: str, *, words_a_minute: int, pitch: int, pitch_range: int
) -> tuple[np.ndarray, int, list[Phoneme]]:
    """Speak `text`: int16 samples, samples a second, and the phonemes in order.

    Args:
        text: one sentence of plain English.
        voice: a language, or a language and a variant: `en-us+m3`.
        words_a_minute: 80 to 450.
        pitch: 0 to 100; 50 is the voice's own.
        pitch_range: 0 to 100; 50 is the voice's own.
    """
    opened = _opened()
    library, spoken = opened.library, opened.spoken
    assert library.espeak_SetVoiceByName(voice.encode()) == 0, f"no voice {voice}"
    settings = {_RATE: words_a_minute, _VOLUME: VOLUME, _PITCH: pitch, _RANGE: pitch_range}
    for parameter, value in settings.items():
        library.espeak_SetParameter(parameter, value, 0)
    spoken.sound.clear()
    spoken.phonemes.clear()
    data = text.encode() + b"\0"
    status = library.espeak_Synth(data, len(data), 0, 0, 0, _UTF8 | _END_PAUSE, None, None)
    assert status == 0, f"espeak-ng did not speak: {status}"
    return np.concatenate(spoken.sound), opened.rate, list(spoken.phonemes)
