"""Which of some sentences was said: pocketsphinx with a grammar that holds just these."""

import re
from collections.abc import Sequence

import numpy as np
from pocketsphinx import Config, Decoder, get_model_path

RATE = 16_000  # Hz; what its acoustic model was trained on
CANDIDATES = 20


def words_of(sentence: str) -> list[str]:
    """The words of a sentence as the dictionary writes them."""
    return re.findall(r"[a-z']+", sentence.lower())


def levelled(sound: np.ndarray) -> np.ndarray:
    """A teacher's sound as float32, as loud as the recipe's clips: at most 0.6 of full scale."""
    return (sound * (0.6 / max(float(np.abs(sound).max()), 1e-3))).astype(np.float32)


class ClosedSetRecogniser:
    """Hears a sound and chooses one of the sentences that it was told before."""

    def __init__(self, sentences: Sequence[str]) -> None:
        config = Config(
            hmm=get_model_path("en-us/en-us"),
            dict=get_model_path("en-us/cmudict-en-us.dict"),
            lm=None,
            samprate=RATE,
            loglevel="FATAL",
        )
        self._decoder = Decoder(config)
        self._sentences = tuple(sentences)
        unknown = {word for each in sentences for word in words_of(each)} - self._known_words()
        if unknown:
            raise ValueError(f"The recogniser's dictionary lacks: {', '.join(sorted(unknown))}")

    def choose(self, waveform: np.ndarray, candidates: Sequence[int]) -> int | None:
        """Say which candidate was said.

        Args:
            waveform: mono, -1..1, at `RATE`.
            candidates: indices of sentences.

        Returns:
            The index, or None where nothing fits.
        """
        grammar = " | ".join(" ".join(words_of(self._sentences[each])) for each in candidates)
        self._decoder.add_jsgf_string(
            "set", f"#JSGF V1.0;\ngrammar set;\npublic <said> = {grammar};\n"
        )
        self._decoder.activate_search("set")
        sound = np.concatenate([np.zeros(RATE // 5), waveform, np.zeros(RATE // 5)])
        samples = np.round(sound.clip(-1, 1) * 32_767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        heard = [] if found is None else found.hypstr.split()
        for each in candidates:
            if words_of(self._sentences[each]) == heard:
                return each
        return None

    def _known_words(self) -> set[str]:
        words = {word for each in self._sentences for word in words_of(each)}
        return {word for word in words if self._decoder.lookup_word(word) is not None}


def candidate_sets(count: int, size: int = CANDIDATES, seed: int = 0) -> list[list[int]]:
    """For each of `count` sentences a set of `size` with it in it, the same at every call."""
    dice = np.random.default_rng(seed)
    sets = []
    for index in range(count):
        others = [each for each in range(count) if each != index]
        chosen = [int(each) for each in dice.choice(others, size - 1, replace=False)]
        sets.append(sorted([index, *chosen]))
    return sets
