"""Text token ids -> semantic tokens: what is said and how, one token after the other."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from webui.arrays import AnyTokens, SemanticTokens
from webui.family import SemanticConfig
from webui.synthesis.sampling import Drawing, draw, probabilities
from webui.synthesis.transformer import CausalTransformer


@dataclass(frozen=True)
class EndRule:
    """When the text stage stops.

    `min_eos_p` is how likely the end must be, and `max_tokens` how long a speech may get (the
    family may allow less).
    """

    min_eos_p: float = 0.2  # suno-ai/bark api.py
    max_tokens: int = 768  # suno-ai/bark generation.py


@dataclass(frozen=True, eq=False)
class TextPrompt:
    """What is to be said, and in which voice.

    `texts` are ids of the family's tokenizer without its offset, cut to the text positions;
    `history` is the voice's semantic tokens, or None to speak without a voice.
    """

    texts: Sequence[AnyTokens]
    history: SemanticTokens | None = None


def emitted_ranges(config: SemanticConfig) -> tuple[range, ...]:
    """What the text stage chooses from: the semantic tokens and the end of speech behind them."""
    return (range(config.vocabulary + 1),)


def generate_semantic(
    model: CausalTransformer,
    config: SemanticConfig,
    prompt: TextPrompt,
    drawing: Drawing,
    end: EndRule,
) -> Generator[int, None, list[SemanticTokens]]:
    """Say every text in one pass, in one voice; yields how many tokens there are, at each one.

    The text and the end of the voice are embedded and added, position by position; then comes the
    infer token, then what is drawn (suno-ai/bark generation.py, `generate_text_semantic`).

    Args:
        model: the text stage.
        config: its numbers.
        prompt: the texts and the voice.
        drawing: how to draw, with one generator per text.
        end: when to stop.

    Raises:
        JobCancelled: somebody pressed Stop.
    """
    embedded = _embed(model, config, prompt)
    rows, most = len(prompt.texts), min(end.max_tokens, config.max_tokens)
    cache = model.new_cache(rows)
    tokens = torch.full((rows, most), config.end_token, device=model.device)
    has_ended = torch.zeros(rows, dtype=torch.bool, device=model.device)
    made = 0
    while made < most:
        drawing.go_on()
        logits = model(embedded, cache)  # (batch, vocabulary + 1)
        if drawing.is_greedy:
            chances, picked = logits.softmax(-1), logits.argmax(-1)
        else:
            chances = probabilities(logits, drawing.controls)
            picked = draw(chances, drawing.generators)
        has_ended |= (picked == config.vocabulary) | (chances[:, -1] >= end.min_eos_p)
        if bool(has_ended.all()):
            break
        tokens[:, made] = torch.where(has_ended, config.end_token, picked)
        embedded = model.embed(tokens[:, made : made + 1])
        made += 1
        yield made
    made_rows = tokens[:, :made].cpu().numpy().astype(np.int64)
    return [row[row != config.end_token] for row in made_rows]


def _embed(model: CausalTransformer, config: SemanticConfig, prompt: TextPrompt) -> torch.Tensor:
    """Text plus history, then the infer token: (batch, text positions + 1, width)."""
    places = config.text_positions
    text = np.full((len(prompt.texts), places), config.text_pad_token, dtype=np.int64)
    for row, ids in enumerate(prompt.texts):
        text[row, : min(len(ids), places)] = ids[:places] + config.text_offset
    voice = np.full(places, config.end_token, dtype=np.int64)
    if prompt.history is not None:
        tail = prompt.history[-places:]
        voice[: len(tail)] = tail
    device = model.device
    added = model.embed(torch.from_numpy(text).to(device)) + model.embed(
        torch.from_numpy(voice).to(device)
    )
    infer = model.embed(torch.full((len(text), 1), config.infer_token, device=device))
    return torch.cat([added, infer], dim=1)
