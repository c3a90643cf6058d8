"""One stage of Bark with random weights, ready to be timed: ours, or transformers' own."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

from bench.bark_sizes import (
    SIZES,
    bark_family,
    network_of,
    network_values,
    random_weights,
)
from webui.arrays import Speaker
from webui.events import result_of
from webui.synthesis import coarse, semantic
from webui.synthesis.controls import StageControls
from webui.synthesis.fine import generate_fine
from webui.synthesis.sampling import Drawing, generators_of
from webui.synthesis.transformer import CausalTransformer, FineTransformer

TEMPERATURE = 0.7  # suno-ai/bark api.py
VOICE_FRAMES, VOICE_TOKENS = 600, 400  # of the voice: more than any stage looks at
TEXT_LENGTH = 40  # tokens of the text that is spoken
FINE_PASSES = 6  # of one window: codebooks 2 to 7, and each pass costs the same


class StageRun(Protocol):
    """Runs a stage once for a number of tokens; `fine` counts one pass of a window as one."""

    def run(self, tokens: int, greedy: bool) -> list[int]:
        """Do it, and give the tokens that were made."""
        ...

    def bytes_per_token(self) -> int:
        """How many bytes of weights a token reads."""
        ...


def build_run(who: str, size: str, stage: str, precision: str, device: str) -> StageRun:
    """Build one stage of one implementation.

    Args:
        who: ours or transformers.
        size: one of `SIZES`.
        stage: text, coarse (a speech from its beginning), coarse_voice (its windows full) or fine.
        precision: of ours.
        device: as torch calls it.
    """
    if who == "transformers":
        return PeerRun(size, stage, device)
    return OurRun(size, stage, precision, device)


def semantic_tokens(coarse_tokens: int) -> np.ndarray:
    """The semantic tokens of which so many coarse tokens are made."""
    family, count = bark_family(SIZES["small"]), 1
    while coarse.coarse_steps(family, count) < coarse_tokens:
        count += 1
    return np.random.default_rng(1).integers(0, 10_000, count)


def text_ids() -> np.ndarray:
    """Token ids of a sentence of usual length."""
    return np.random.default_rng(2).integers(1_000, 100_000, TEXT_LENGTH)


def voice() -> Speaker:
    """A voice whose ends fill every stage's history."""
    dice = np.random.default_rng(3)
    fine = dice.integers(0, 1_024, (8, VOICE_FRAMES))
    return Speaker(dice.integers(0, 10_000, VOICE_TOKENS), fine[:2], fine)


def coarse_window() -> np.ndarray:
    """The first codebooks of one full window of the fine stage."""
    return np.random.default_rng(4).integers(0, 1_024, (2, 1_024))


class OurRun:
    """A stage of this app."""

    def __init__(self, size: str, stage: str, precision: str, device: str) -> None:
        self._family, self._stage = bark_family(SIZES[size]), stage
        part = stage.partition("_")[0]
        network = network_of(self._family, part)
        weights = {
            name: tensor.to(device) for name, tensor in random_weights(SIZES[size], part).items()
        }
        self._model: Any
        if part == "fine":
            self._model = FineTransformer(network, weights, precision)
        else:
            ranges = (
                semantic.emitted_ranges(self._family.semantic)
                if part == "text"
                else coarse.emitted_ranges(self._family)
            )
            self._model = CausalTransformer(network, weights, ranges, precision)

    def bytes_per_token(self) -> int:
        """How many bytes of weights a token reads."""
        blocks = [part for block in self._model.blocks for part in block.dense]
        heads = [] if self._stage == "fine" else [self._model.heads[0]]
        return sum(part.nbytes for part in [*blocks, *heads])

    def run(self, tokens: int, greedy: bool) -> list[int]:
        """Make so many tokens, or one pass of the fine stage."""
        drawing = Drawing(StageControls(0.0 if greedy else TEMPERATURE), generators_of([5]))
        if self._stage == "text":
            prompt = semantic.TextPrompt([text_ids()])
            end = semantic.EndRule(min_eos_p=1.1, max_tokens=tokens)
            made = result_of(
                semantic.generate_semantic(self._model, self._family.semantic, prompt, drawing, end)
            )[0]
        elif self._stage == "fine":
            stage = generate_fine(self._model, self._family, coarse_window(), None, drawing)
            next(stage)
            stage.close()
            return [1]
        else:
            speaker = voice() if self._stage == "coarse_voice" else None
            rows = [semantic_tokens(tokens)]
            codes = result_of(
                coarse.generate_coarse(self._model, self._family, rows, speaker, drawing)
            )[0]
            made = codes.T.reshape(-1)
        return [int(token) for token in made]


class PeerRun:
    """The same stage in transformers, by its own `generate`; weights in float32."""

    def __init__(self, size: str, stage: str, device: str) -> None:
        from transformers.models.bark import generation_configuration_bark as generation

        part = stage.partition("_")[0]
        self._stage, self._device = stage, device
        self._model = _peer_model(size, part).to(device)
        self._semantic = generation.BarkSemanticGenerationConfig(
            do_sample=True, temperature=TEMPERATURE
        )
        self._coarse = generation.BarkCoarseGenerationConfig(
            do_sample=True, temperature=TEMPERATURE
        )
        self._greedy_semantic = generation.BarkSemanticGenerationConfig()
        self._greedy_coarse = generation.BarkCoarseGenerationConfig()

    def bytes_per_token(self) -> int:
        """How many bytes of weights a token reads."""
        return sum(
            each.nbytes for name, each in self._model.named_parameters() if "embeds" not in name
        )

    def run(self, tokens: int, greedy: bool) -> list[int]:
        """Make so many tokens, or one pass of the fine stage."""
        torch.manual_seed(5)
        with torch.no_grad():
            runs: dict[str, Callable[[int, bool], list[int]]] = {
                "text": self._text,
                "fine": self._fine_pass,
            }
            return runs.get(self._stage, self._coarse_tokens)(tokens, greedy)

    def _text(self, tokens: int, greedy: bool) -> list[int]:
        ids = torch.zeros(1, 256, dtype=torch.long)
        ids[0, :TEXT_LENGTH] = torch.from_numpy(text_ids())
        made = self._model.generate(
            ids.to(self._device),
            attention_mask=(torch.arange(256)[None] < TEXT_LENGTH).long().to(self._device),
            semantic_generation_config=self._greedy_semantic if greedy else self._semantic,
            max_new_tokens=tokens,
        )
        return [int(token) for token in made[0]]

    def _coarse_tokens(self, tokens: int, greedy: bool) -> list[int]:
        history = None
        if self._stage == "coarse_voice":
            speaker = voice()
            history = {
                "semantic_prompt": torch.from_numpy(speaker.semantic).to(self._device),
                "coarse_prompt": torch.from_numpy(speaker.coarse).to(self._device),
            }
        made = self._model.generate(
            torch.from_numpy(semantic_tokens(tokens))[None].to(self._device),
            semantic_generation_config=self._semantic,
            coarse_generation_config=self._greedy_coarse if greedy else self._coarse,
            codebook_size=1_024,
            history_prompt=history,
        )
        return [(int(token) - 10_000) % 1_024 for token in made[0]]

    def _fine_pass(self, tokens: int, greedy: bool) -> list[int]:
        """One of the six passes of `generate`, as it makes them."""
        codes = np.full((8, 1_024), 1_024)
        codes[:2] = coarse_window()
        grid = torch.from_numpy(codes.T.copy())[None].to(self._device)
        scores = self._model(2, grid).logits[:, :, :1_024] / TEMPERATURE
        torch.multinomial(scores.softmax(-1).reshape(-1, 1_024), 1).cpu()
        return [1]


def _peer_model(size: str, part: str) -> Any:  # noqa: ANN401  (one of three classes)
    """Build the model of transformers around our random weights, without a second copy of them."""
    from transformers.models import bark

    name = {"text": "Semantic", "coarse": "Coarse", "fine": "Fine"}[part]
    config = getattr(bark, f"Bark{name}Config")(**network_values(SIZES[size], part))
    state = random_weights(SIZES[size], part)
    if part == "fine":
        state |= {f"lm_heads.{n}.weight": state[f"input_embeds_layers.{n + 1}.weight"]
                  for n in range(7)}  # fmt: skip
    with torch.device("meta"):
        model = getattr(bark, f"Bark{name}Model")(config)
    model.load_state_dict(state, strict=False, assign=True)
    for layer in model.layers:
        if part != "fine":
            places = config.block_size
            mask = torch.tril(torch.ones((places, places), dtype=torch.bool))
            layer.attn.bias = mask.view(1, 1, places, places)
    return model.eval()
