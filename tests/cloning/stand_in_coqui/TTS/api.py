"""What `coqui_child.py` uses of Coqui's library; the model's name says how it behaves."""

import os
import sys
import wave

import numpy as np


def samples(path):
    with wave.open(path) as file:
        return np.frombuffer(
            file.readframes(file.getnframes()), "<i2"
        ) / 32_768, file.getframerate()


class Part:
    output_sample_rate = 22_050


class TTS:
    def __init__(self, model_name, progress_bar):
        sys.stdout.write("loading\n")  # the real one prints, too
        if "openvoice" in model_name:
            raise OSError("no route to host")
        self.name = model_name
        self.voice_converter = None if "your_tts" in model_name else Part()
        self.synthesizer = Part() if "your_tts" in model_name else None

    def to(self, device):
        self.device = device
        return self

    def voice_conversion(self, source_wav, target_wav):
        sys.stdout.write("converting\n")
        source, rate = samples(source_wav)
        target, _ = samples(target_wav)
        if "knnvc" in self.name:
            os._exit(3)
        if target.max() < 0.01:
            raise ValueError("nothing to hear")
        sys.stdin.read()  # is empty: nobody can be asked
        length = int(len(source) * Part.output_sample_rate / rate) // 256 * 256
        named = [os.environ.get(name, "") for name in ("TTS_HOME", "HF_HUB_CACHE")]
        level = np.abs(target).max() if named[0] and named[1] == f"{named[0]}/hub" else 0.5
        return level * np.sin(np.arange(length) / 10)
