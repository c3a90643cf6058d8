"""The teacher: flite's voices through its C library, with the phone and the word of every moment."""

import ctypes
from dataclasses import dataclass
from functools import cache

import numpy as np

RATE = 16_000  # samples per second; flite's voices
_SONAMES = ("libflite.so.1", "libflite_usenglish.so.1", "libflite_cmulex.so.1")


class _Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("rate", ctypes.c_int),
        ("samples_count", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]


@dataclass(frozen=True)
class Segment:
    """One phone: its name, where it ends, and the word of the text it belongs to (`0` in a pause)."""

    phone: str
    end_seconds: float
    token: str


@cache
def _library() -> ctypes.CDLL:
    for name in _SONAMES[1:]:
        ctypes.CDLL(_SONAMES[0], mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(_SONAMES[0], mode=ctypes.RTLD_GLOBAL)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    signatures = {
        "flite_init": (ctypes.c_int, []),
        "flite_synth_text": (pointer, [text, pointer]),
        "utt_wave": (ctypes.POINTER(_Wave), [pointer]),
        "utt_relation": (pointer, [pointer, text]),
        "relation_head": (pointer, [pointer]),
        "item_next": (pointer, [pointer]),
        "item_feat_float": (ctypes.c_float, [pointer, text]),
        "ffeature_string": (text, [pointer, text]),
        "delete_utterance": (None, [pointer]),
        "feat_set_float": (None, [pointer, text, ctypes.c_float]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.flite_init()
    return library


@cache
def _voice(name: str) -> int:
    _library()
    register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    return int(register(None))


def synthesise(
    text: str, voice: str, *, stretch: float, pitch_hz: float, pitch_spread_hz: float
) -> tuple[np.ndarray, list[Segment]]:
    """Speak `text`; the samples are float32 at `RATE`.

    Args:
        text: one sentence of plain English.
        voice: slt, rms, awb or kal16.
        stretch: factor on every phone's duration.
        pitch_hz: mean of the pitch.
        pitch_spread_hz: standard deviation of the pitch.
    """
    library, handle = _library(), _voice(voice)
    features = ctypes.cast(handle, ctypes.POINTER(_Voice)).contents.features
    library.feat_set_float(features, b"duration_stretch", stretch)
    library.feat_set_float(features, b"int_f0_target_mean", pitch_hz)
    library.feat_set_float(features, b"int_f0_target_stddev", pitch_spread_hz)
    utterance = library.flite_synth_text(text.encode("ascii"), handle)
    try:
        wave = library.utt_wave(utterance).contents
        samples = np.ctypeslib.as_array(wave.samples, (wave.samples_count,)).astype(np.float32)
        segments = []
        item = library.relation_head(library.utt_relation(utterance, b"Segment"))
        while item:
            segments.append(
                Segment(
                    library.ffeature_string(item, b"name").decode(),
                    library.item_feat_float(item, b"end"),
                    library.ffeature_string(
                        item, b"R:SylStructure.parent.parent.R:Token.parent.name"
                    ).decode(),
                )
            )
            item = library.item_next(item)
    finally:
        library.delete_utterance(utterance)
    return samples / 32_768.0, segments
