"""Words in many languages by Whisper, from a folder as transformers saves it."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from webui.arrays import OtherWaveform, Waveform
from webui.audio import resample
from webui.quality.words import ENGLISH, HeardWord, Transcript, base_language, quiet_pieces

RATE = 16_000  # Hz; what Whisper was trained on
SILENT = 1e-3  # loudest sample; of what is quieter Whisper makes up words
MOST_TOKENS = 200  # in a piece of 25 s; beyond it Whisper only repeats itself
PROMPT_TOKENS = 8  # at most stand before them: start, language, task, no times


class WhisperRecogniser:
    """Hears many languages, in 32-bit floats on the processor; it needs no sentence to expect."""

    name = "whisper"

    def __init__(self, model: Any, processor: Any) -> None:  # noqa: ANN401  (transformers' classes)
        self._model = model
        self._processor = processor
        settings = model.generation_config
        self._languages: dict[str, int] = getattr(settings, "lang_to_id", None) or {}
        self._has_times = bool(getattr(settings, "alignment_heads", None))

    def speaks(self, language: str) -> bool:
        """Whether it hears this language: an English-only model hears English."""
        base = base_language(language)
        return f"<|{base}|>" in self._languages if self._languages else base == ENGLISH

    def listen_for(self, asked: str, waveform: Waveform, rate: int, language: str) -> Transcript:
        """Write down what is said; `asked` is not looked at."""
        return self.transcribe(waveform, rate, language)

    def transcribe(self, waveform: Waveform, rate: int, language: str) -> Transcript:
        """Write down what is said, piece by piece.

        Words have times where the model's settings name the heads that tell them.
        """
        sound = resample(waveform, rate, RATE) if len(waveform) else waveform
        sound = np.nan_to_num(sound).clip(-1, 1)
        words: list[HeardWord] = []
        texts: list[str] = []
        for start, end in quiet_pieces(sound, RATE):
            if np.abs(sound[start:end]).max(initial=0.0) < SILENT:
                continue
            tokens, ends = self._hear(sound[start:end], base_language(language))
            tokenizer = self._processor.tokenizer
            texts.append(tokenizer.decode(tokens, skip_special_tokens=True).strip())
            if ends is not None:
                pieces = [tokenizer.decode([each], skip_special_tokens=True) for each in tokens]
                shift = start / RATE
                words += _words(pieces, [shift + min(each, (end - start) / RATE) for each in ends])
        return Transcript(tuple(words), " ".join(text for text in texts if text))

    def _hear(
        self, sound: OtherWaveform, language: str
    ) -> tuple[list[int], Sequence[float] | None]:
        """The tokens of a piece, and when each ends, in seconds, where that is known."""
        import torch

        features = self._processor.feature_extractor(
            sound, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True
        )
        most = min(MOST_TOKENS, self._model.config.max_target_positions - PROMPT_TOKENS)
        settings: dict[str, Any] = {"max_new_tokens": most, "do_sample": False}
        if self._languages:
            settings |= {"language": language, "task": "transcribe"}
        if self._has_times:
            settings |= {"return_token_timestamps": True}
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its advice on settings
            made = self._model.generate(
                features["input_features"], attention_mask=features["attention_mask"], **settings
            )
        if not self._has_times:
            return made[0].tolist(), None
        tokens = made["sequences"][0].tolist()
        ends = made["token_timestamps"][0].tolist()
        return tokens, ends if len(ends) == len(tokens) else None


def load_whisper(folder: Path) -> WhisperRecogniser | None:
    """Load a Whisper model; None where the folder holds none that can be read."""
    import torch
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    try:
        processor = WhisperProcessor.from_pretrained(folder, local_files_only=True)
        model = WhisperForConditionalGeneration.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="eager",  # the only one that tells where it looks, thus the times
        )
    except Exception:  # noqa: BLE001  (transformers raises whatever the damage makes it)
        return None
    model.train(False)
    return WhisperRecogniser(model, processor)


def _words(pieces: Sequence[str], ends: Sequence[float]) -> list[HeardWord]:
    """Join pieces of words; a new word begins with a space."""
    words: list[HeardWord] = []
    before = ends[0] if ends else 0.0
    for piece, end in zip(pieces, ends, strict=True):
        text = piece.strip()
        if text and (piece[0].isspace() or not words):
            words.append(HeardWord(text, before, max(end, before), 1.0))
        elif text:
            last = words[-1]
            words[-1] = HeardWord(last.text + text, last.start_seconds, max(end, before), 1.0)
        before = max(end, before)
    return words
