"""Recognisers and encoders that hear what a test tells them."""

import numpy as np

from webui.quality.words import HeardWord, Transcript

RATE = 16_000


class ScriptedRecogniser:
    """Hears the scripted texts one after the other, the last of them again and again."""

    name = "scripted"

    def __init__(self, *texts: str, end_seconds: float = 1.0) -> None:
        self.texts = list(texts)
        self.end_seconds = end_seconds  # of the last word
        self.asked: list[tuple[str, str]] = []

    def transcribe(self, waveform, rate, language):
        raise AssertionError("who knows the text listens for it")

    def listen_for(self, asked, waveform, rate, language):
        self.asked.append((asked, language))
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        words = text.split()
        step = self.end_seconds / max(len(words), 1)
        heard = [HeardWord(w, n * step, (n + 1) * step, 1.0) for n, w in enumerate(words)]
        return Transcript(tuple(heard), text)


class ToneEncoder:
    """Hears tones: voices whose tones are equally high are alike."""

    def __init__(self) -> None:
        self.heard = 0

    def embed(self, waveform, rate):
        self.heard += 1
        spectrum = np.abs(np.fft.rfft(waveform, 2 * rate)) if len(waveform) else np.zeros(rate + 1)
        angle = float(spectrum.argmax()) / 2 / 1_000  # 0 Hz to 1 kHz: 0 to 1 rad
        vector = np.zeros(256, np.float32)
        vector[:2] = np.cos(angle), np.sin(angle)
        return vector


def tone(seconds: float, hertz: float = 200.0, level: float = 0.3):
    times = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def silence(seconds: float):
    return np.zeros(round(seconds * RATE), np.float32)
