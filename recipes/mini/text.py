"""Step 5: the text stage, from text to semantic tokens.

    python -m recipes.mini.text --work WORK --minutes 90

The teacher knows which letters are spoken at every moment, so one head of some layers is taught to look
at them. That makes reading start within minutes instead of hours; the layout of the network is Bark's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from recipes.mini import layout as L
from recipes.mini.clips import (
    VALIDATION_EVERY,
    Clip,
    read_shard,
    reading_shards,
    shards_of,
    token_path,
)
from recipes.mini.devices import fed, here, moved, training_parser, use_device
from recipes.mini.hubert import HOP, moments
from recipes.mini.network import CausalNetwork
from recipes.mini.sentences import cut_sentences, fortune_sentences
from recipes.mini.training import NextLoss, train_stage
from recipes.mini.vocabulary import WordPieces, vocabulary

BATCH = 24
WITH_LETTERS = ("teacher", "wide")  # the teachers with sound that tell which letter is spoken when
GUIDED_LAYERS = (1, 2, 3)
NO_VOICE = 0.25  # the share of clips that are spoken without a voice before them


@dataclass(frozen=True)
class Reading:
    """One clip for the text stage: pieces, tokens, and the piece spoken in each frame (-1 in a pause)."""

    text: str
    pieces: np.ndarray
    tokens: np.ndarray
    spoken: np.ndarray
    speaker: tuple[str, int]  # of which teacher, and its number there
    phones: np.ndarray  # (frames, moments)


def spoken_pieces(clip: Clip, spans: list[tuple[int, int]]) -> np.ndarray:
    """For each frame, which piece is spoken at its middle; -1 in a pause."""
    piece_of_letter = np.full(len(clip.text) + 1, -1)
    for index, (start, end) in enumerate(spans):
        piece_of_letter[start:end] = index
    frames = -(-len(clip.samples) // HOP)
    at = (np.arange(frames) + 0.5) * HOP
    phone = np.minimum(np.searchsorted(clip.ends, at, side="right"), len(clip.phones) - 1)
    letters = clip.letters[phone]
    return np.where(letters >= 0, piece_of_letter[letters], -1)


def read_readings(work: Path) -> list[Reading]:
    """The clips made for reading, or where there are none the teachers', that have semantic tokens.

    Those for reading hold all texts of the teachers; both together would be examined on what they have learnt.
    """
    pieces = WordPieces(vocabulary(fortune_sentences() + cut_sentences()))
    readings = []
    spoken_to = [each for each in shards_of(work) if each.parent.name in WITH_LETTERS]
    for shard in reading_shards(work) or spoken_to:
        path = token_path(work, "semantic", shard)
        if not path.exists():
            continue
        with np.load(path) as archive:
            values, counts = archive["values"], archive["counts"]
        parts = np.split(values, np.cumsum(counts)[:-1])
        for clip, tokens in zip(read_shard(shard), parts, strict=True):
            ids, spans = pieces.tokenise(clip.text)
            spoken = spoken_pieces(clip, spans)
            readings.append(
                Reading(
                    clip.text,
                    np.array(ids[: L.TEXT_POSITIONS]),
                    tokens.astype(np.int64),
                    spoken,
                    (shard.parent.name, clip.speaker),
                    moments(clip),
                )
            )
    return [
        r for r in readings if len(r.tokens) <= L.MOST_TOKENS and len(r.pieces) < L.TEXT_POSITIONS
    ]


def prefix(pieces: np.ndarray, history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The padded text row and the padded history row of the layout."""
    text = np.full(L.TEXT_POSITIONS, L.TEXT_PAD)
    text[: len(pieces)] = pieces + L.TEXT_OFFSET
    voice = np.full(L.TEXT_POSITIONS, L.SEMANTIC_END)
    tail = history[-L.TEXT_POSITIONS :]
    voice[: len(tail)] = tail
    return text, voice


class Batches:
    """Endless batches of clips of nearly the same length."""

    def __init__(
        self, readings: list[Reading], generator: np.random.Generator, count: int = BATCH
    ) -> None:
        self.readings, self.generator, self.count = readings, generator, count
        self.by_speaker: dict[tuple[str, int], list[int]] = {}
        for index, reading in enumerate(readings):
            self.by_speaker.setdefault(reading.speaker, []).append(index)

    def history(self, reading: Reading) -> np.ndarray:
        """The end of another clip of the same speaker, or nothing."""
        if self.generator.random() < NO_VOICE:
            return np.zeros(0, dtype=np.int64)
        other = self.generator.choice(self.by_speaker[reading.speaker])
        return self.readings[int(other)].tokens

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        while True:
            noise = self.generator.uniform(0, 4, len(self.readings))
            order = np.argsort([len(r.tokens) for r in self.readings] + noise)
            last = len(order) - self.count + 1
            groups = [order[i : i + self.count] for i in range(0, last, self.count)]
            for group in self.generator.permutation(len(groups)):
                yield self.collate([self.readings[i] for i in groups[group]])

    def collate(self, members: list[Reading]) -> dict[str, torch.Tensor]:
        """Rows of text, voice, tokens (with the end), and the piece spoken when each token is drawn."""
        longest = max(len(r.tokens) for r in members) + 1
        tokens = np.full((len(members), longest), -100)
        spoken = np.full((len(members), longest), -1)
        text, voice = [], []
        for row, reading in enumerate(members):
            count = len(reading.tokens)
            tokens[row, :count], tokens[row, count] = reading.tokens, L.SEMANTIC_END
            spoken[row, :count] = reading.spoken
            one, two = prefix(reading.pieces, self.history(reading))
            text.append(one)
            voice.append(two)
        return {
            "text": torch.from_numpy(np.stack(text)),
            "voice": torch.from_numpy(np.stack(voice)),
            "tokens": torch.from_numpy(tokens),
            "spoken": torch.from_numpy(spoken),
        }


def network() -> CausalNetwork:
    """The text stage, untrained."""
    return CausalNetwork(L.TEXT_INPUTS, L.TEXT_OUTPUTS, L.TEXT_BLOCK, **L.TEXT_SIZE)


def embed(
    model: CausalNetwork, text: torch.Tensor, voice: torch.Tensor, tokens: torch.Tensor
) -> torch.Tensor:
    """Bark's layout: text plus history, the infer token, the tokens."""
    table = model.input_embeds_layer
    infer = torch.full((len(text), 1), L.TEXT_INFER)
    return torch.cat(
        [table(text) + table(voice), table(torch.cat([infer, tokens.clamp(min=0)], 1))], 1
    )


def losses(
    model: CausalNetwork, batch: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross entropy of the tokens, how badly the guided heads look, and the share of right tokens."""
    tokens, spoken = batch["tokens"], batch["spoken"]
    hidden, watched = model(
        embed(model, batch["text"], batch["voice"], tokens[:, :-1]), GUIDED_LAYERS
    )
    scores = model.lm_head(hidden[:, L.TEXT_POSITIONS :])
    entropy = F.cross_entropy(scores.flatten(0, 1), tokens.flatten(), ignore_index=-100)
    right = (scores.argmax(-1) == tokens)[tokens >= 0].float().mean()
    positions = hidden.shape[1]
    later = torch.ones(positions, positions, dtype=torch.bool).triu(1)[L.TEXT_POSITIONS :]
    known = spoken >= 0
    guided = entropy.new_zeros(())
    for layer_scores in watched:
        logs = layer_scores[:, L.TEXT_POSITIONS :].masked_fill(later, float("-inf")).log_softmax(-1)
        target = spoken.clamp(min=0).unsqueeze(-1)
        near = torch.cat([(target - 1).clamp(min=0), target, target + 1], -1)
        weight = logs.new_tensor([0.1, 0.8, 0.1])
        guided = guided - (logs.gather(-1, near) * weight).sum(-1)[known].mean()
    return entropy, guided / len(watched), right


@torch.no_grad()
def generate(
    model: CausalNetwork, readings: list[Reading], temperature: float = 0.5, seed: int = 0
) -> list[np.ndarray]:
    """Tokens drawn for each reading, without a voice."""
    generator = torch.Generator(torch.get_default_device()).manual_seed(seed)
    rows = [prefix(r.pieces, np.zeros(0, dtype=np.int64)) for r in readings]
    text, voice = (here(np.stack(part)) for part in zip(*rows, strict=True))
    tokens = torch.zeros(len(readings), 0, dtype=torch.long)
    ended = torch.zeros(len(readings), dtype=torch.bool)
    while tokens.shape[1] < L.MOST_TOKENS and not bool(ended.all()):
        hidden, _ = model(embed(model, text, voice, tokens))
        scores = model.lm_head(hidden[:, -1])[:, : L.SEMANTIC_END + 1]
        drawn = torch.multinomial((scores / temperature).softmax(-1), 1, generator=generator)[:, 0]
        ended |= drawn == L.SEMANTIC_END
        drawn[ended] = L.SEMANTIC_END
        tokens = torch.cat([tokens, drawn.unsqueeze(1)], 1)
    return [row[row != L.SEMANTIC_END].cpu().numpy() for row in tokens]


def phones_of_tokens(readings: list[Reading]) -> np.ndarray:
    """For each token, the phones it usually stands for: (tokens, moments)."""
    votes = np.zeros((L.SEMANTIC_VOCABULARY, 4, 64), dtype=np.int64)
    for reading in readings[:4_000]:
        count = min(len(reading.tokens), len(reading.phones))
        for moment in range(4):
            np.add.at(votes, (reading.tokens[:count], moment, reading.phones[:count, moment]), 1)
    return votes.argmax(-1)


def collapsed(phones: np.ndarray) -> list[int]:
    """Phones in a row without repeats and without pauses."""
    flat = phones.reshape(-1)
    kept = flat[np.concatenate([[True], flat[1:] != flat[:-1]])]
    return [int(p) for p in kept if p != 0]


def edit_distance(a: list[int], b: list[int]) -> int:
    """Insertions, deletions and replacements from `a` to `b`."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def phone_errors(tokens: list[np.ndarray], readings: list[Reading], names: np.ndarray) -> float:
    """Edits per true phone."""
    wrong = total = 0
    for made, reading in zip(tokens, readings, strict=True):
        true = collapsed(reading.phones)
        wrong += edit_distance(collapsed(names[made]) if len(made) else [], true)
        total += len(true)
    return wrong / total


def report(model: CausalNetwork, kept_out: list[Reading], names: np.ndarray) -> str:
    """Validation figures: loss, share of right tokens, phone errors of drawn and of true tokens."""
    feed = Batches(kept_out, np.random.default_rng(0))
    with torch.no_grad():
        parts = [
            losses(model, moved(feed.collate(kept_out[i : i + BATCH])))
            for i in range(0, min(8 * BATCH, len(kept_out)), BATCH)
        ]
    entropy, guided, right = (
        float(torch.stack(column).mean()) for column in zip(*parts, strict=True)
    )
    some = [r for r in kept_out if len(r.text.split()) > 3][:16]
    made = phone_errors(generate(model, some), some, names)
    true = phone_errors([r.tokens for r in some], some, names)
    return f"loss {entropy:.3f} look {guided:.3f} right {right:.3f} phone errors {made:.3f} (true tokens {true:.3f})"


def train(work: Path, minutes: float, batch: int = BATCH, feeders: int = 0) -> None:
    """Train until the time is up; goes on from the last checkpoint."""
    readings = read_readings(work)
    kept_out = readings[::VALIDATION_EVERY]
    learned = [r for i, r in enumerate(readings) if i % VALIDATION_EVERY]
    names = phones_of_tokens(learned)
    model = network()
    print(f"{len(learned)} clips", flush=True)

    def start(step: int) -> NextLoss:
        feed = fed(lambda dice: iter(Batches(learned, dice, batch)), step + 1, feeders)

        def next_loss(_: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            entropy, guided, right = losses(model, next(feed))
            figures = {"loss": entropy, "look": guided, "right": right}
            return entropy + 0.3 * guided, figures

        return next_loss

    train_stage(work / "text.pt", model, minutes, start, lambda: report(model, kept_out, names))


def main() -> None:
    """Train the text stage."""
    arguments = training_parser(__doc__, BATCH).parse_args()
    use_device(arguments.device)
    train(arguments.work, arguments.minutes, arguments.batch, arguments.feeders)


if __name__ == "__main__":
    main()
