"""The recipe trains on exactly what generation builds: the same windows, position by position."""

from pathlib import Path

import numpy as np
import pytest
import torch

from recipes.mini import coarse as coarse_recipe
from recipes.mini import export, fine, text
from recipes.mini import layout as L
from recipes.mini.streams import Pairs, Take
from webui.arrays import Speaker
from webui.family import family_from_configs
from webui.synthesis.coarse import generate_coarse
from webui.synthesis.controls import StageControls
from webui.synthesis.fine import generate_fine
from webui.synthesis.sampling import Drawing
from webui.synthesis.semantic import EndRule, TextPrompt, generate_semantic
from webui.synthesis.transformer import CausalTransformer, FineTransformer

FAMILY = family_from_configs(
    export.bark_config().to_dict(), export.generation_config(), Path("models/mini")
)
GREEDY = Drawing(StageControls(temperature=0.0), [torch.Generator()])


def a_take(tokens, seed):
    dice = np.random.default_rng(seed)
    semantic = dice.integers(L.SEMANTIC_VOCABULARY, size=tokens)
    codes = dice.integers(1_024, size=(8, tokens * L.TOKEN_FRAMES))
    return Take("words", ("teacher", 0), semantic, codes)


def speaker_of(semantic, codes):
    return Speaker(semantic.astype(np.int64), codes[:2].astype(np.int64), codes.astype(np.int64))


class Recorder(CausalTransformer):
    """Stands in for a causal stage: notes what is embedded, and always says what it was told."""

    device = torch.device("cpu")

    def __init__(self, answers):
        self.answers, self.read, self.windows = list(answers), [], []

    def new_cache(self, batch):
        return self

    def reset(self):
        """The cache has nothing to forget."""

    def embed(self, ids):
        self.read.append(torch.atleast_2d(ids))
        if ids.dim() == 2 and ids.shape[1] > 1:
            self.windows.append(ids[0].tolist())
        return ids.float().unsqueeze(-1)

    def __call__(self, embedded, cache, head=0):
        logits = torch.full((len(embedded), L.SEMANTIC_VOCABULARY + 1 + 2_048), -20.0)
        logits[:, self.answers.pop(0) if self.answers else L.SEMANTIC_END] = 20.0
        return logits


def run(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("with_voice", [True, False])
def test_the_coarse_windows_of_the_recipe_are_those_of_generation(with_voice):
    take, (voice_semantic, voice_codes) = (
        a_take(50, 1),
        (a_take(130, 2).semantic, a_take(130, 2).codes),
    )
    voice = (voice_semantic, voice_codes) if with_voice else None
    codes = coarse_recipe.interleaved(take.codes)
    answers = [int(code) - L.COARSE_OFFSET - 1_024 * (i % 2) for i, code in enumerate(codes)]
    model = Recorder(answers)
    speaker = speaker_of(voice_semantic, voice_codes) if with_voice else None
    (made,) = run(generate_coarse(model, FAMILY, [take.semantic], speaker, GREEDY))
    assert np.array_equal(made, take.codes[:2])
    for number, seen in enumerate(model.windows):
        step = number * L.COARSE_WINDOW
        semantic, tokens, places, own = coarse_recipe.window(voice, take, step)
        history = len(seen) - L.COARSE_SEMANTIC_WINDOW - 1
        assert seen[: L.COARSE_SEMANTIC_WINDOW] == semantic.tolist()
        assert seen[L.COARSE_SEMANTIC_WINDOW] == L.COARSE_INFER
        assert seen[L.COARSE_SEMANTIC_WINDOW + 1 :] == tokens[:history].tolist()
        assert own.sum() == min(len(codes[:step]) + len(tokens) - history, len(tokens))
        assert tokens[history:].tolist() == codes[step : step + L.COARSE_WINDOW].tolist()
        drawn = take.semantic[(step + np.arange(len(tokens) - history)) // L.COARSE_RATIO]
        assert semantic[places[history:]].tolist() == drawn.tolist()
    # Without a voice the windows only grow here, and what was read is not read again.
    assert len(model.windows) == (-(-len(codes) // L.COARSE_WINDOW) if with_voice else 1)


@pytest.mark.parametrize("history", [0, 20, 200])
def test_the_text_prompt_of_the_recipe_is_that_of_generation(history):
    pieces = np.array([5, 6, 7])
    voice = np.arange(history) % L.SEMANTIC_VOCABULARY
    model = Recorder([3])
    prompt = TextPrompt([pieces], voice if history else None)
    (said,) = run(generate_semantic(model, FAMILY.semantic, prompt, GREEDY, EndRule()))
    ours_text, ours_voice = text.prefix(pieces, voice)
    assert said.tolist() == [3]
    assert model.read[0][0].tolist() == ours_text.tolist()
    assert model.read[1][0].tolist() == ours_voice.tolist()
    assert model.read[2][0].tolist() == [L.TEXT_INFER]


class FineRecorder(FineTransformer):
    """Stands in for the fine stage: notes what it is shown, and answers with the true codes."""

    device = torch.device("cpu")

    def __init__(self, codes):
        self.true, self.seen = codes, []

    def __call__(self, codes, codebook, first, codebook_size):
        self.seen.append((codes[0].clone().numpy(), codebook, first))
        scores = torch.zeros(1, codes.shape[1] - first, codebook_size)
        for frame in range(self.true.shape[1]):
            scores[0, frame, self.true[codebook, frame]] = 9.0
        return scores


@pytest.mark.parametrize("with_voice", [True, False])
def test_the_fine_window_of_the_recipe_is_that_of_generation(with_voice):
    take, voice = a_take(50, 3), a_take(130, 4)
    network = FineRecorder(take.codes)
    speaker = speaker_of(voice.semantic, voice.codes) if with_voice else None
    made = run(generate_fine(network, FAMILY, take.codes[:2], speaker, GREEDY))
    assert np.array_equal(made, take.codes)
    codes, start = fine.window(voice.codes if with_voice else None, take.codes)
    last = start + take.codes.shape[1]
    for view, book, first in network.seen:
        assert first == start
        assert np.array_equal(view[:last, :book], codes[:last, :book])
        assert (view[start:, book] == L.FINE_UNKNOWN).all()


def test_a_voice_is_always_long_enough_and_of_the_same_speaker():
    takes = [
        Take("", ("teacher", n % 2), np.full(15, n), np.full((8, 15 * L.TOKEN_FRAMES), n))
        for n in range(6)
    ]
    feed = iter(Pairs(takes, 100, np.random.default_rng(0)))
    for _ in range(20):
        (semantic, codes), take = next(feed)
        assert L.TOKEN_FRAMES * len(semantic) == codes.shape[1] >= 100
        assert {int(each) % 2 for each in semantic} == {take.speaker[1]}


def test_the_numbers_of_the_family_agree_with_the_layout():
    assert FAMILY.coarse_per_semantic == L.COARSE_RATIO
    assert FAMILY.semantic.text_positions + L.MOST_TOKENS + 1 <= L.TEXT_BLOCK
    assert L.COARSE_SEMANTIC_WINDOW + 1 + L.COARSE_HISTORY + L.COARSE_WINDOW <= L.COARSE_BLOCK
    assert FAMILY.fine.window == L.FINE_WINDOW
