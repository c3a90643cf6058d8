"""What a training learns from and how: pairs, plan, and which pairs are kept for judging."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from webui.arrays import AnyFeatures, AnyTokens
from webui.cloning.quantizer import QuantizerConfig
from webui.errors import SettingsError
from webui.training_results import ARCHITECTURES, Architecture, Shift

LEAST_PAIRS = 8
LEAST_VOICES = 4  # before one of them is kept for judging
WIDE = 512  # features a frame: from here on it is an encoder of HuBERT base's size


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Pairs as a training sees them: one entry of each kind for every pair."""

    features: tuple[AnyFeatures, ...]
    tokens: tuple[AnyTokens, ...]
    texts: tuple[str, ...]
    voices: tuple[str, ...]  # names; empty where there was none
    rates: tuple[float, float]  # frames of features a second, tokens a second

    def __len__(self) -> int:
        return len(self.features)

    def chosen(self, places: Sequence[int]) -> "TrainingData":
        """Take some of the pairs, in this order."""
        return TrainingData(
            tuple(self.features[place] for place in places),
            tuple(self.tokens[place] for place in places),
            tuple(self.texts[place] for place in places),
            tuple(self.voices[place] for place in places),
            self.rates,
        )


@dataclass(frozen=True)
class TrainingPlan:
    """How a quantizer is trained; the defaults suit a few hundred to a few thousand pairs."""

    tokens: int  # the family's semantic vocabulary
    architecture: Architecture = "version_2"
    hidden: int | None = None  # None: what suits the encoder
    epochs: int = 5  # more teach what is peculiar to the own sound, and recordings less well
    least_steps: int = 600  # of training, however few pairs there are
    batch: int = 16  # pairs
    learning_rate: float = 2e-3  # at its highest
    warm_up_steps: int = 50
    weight_decay: float = 0.01
    dropout: float = 0.1  # of features, and between layers
    smoothing: float = 0.05  # how much of a label's certainty is given to the other tokens
    mixing: float = 0.5  # how many pairs of a batch are heard as if another of them had said them
    patience: int = 12  # looks at the held-out pairs without a better one, then it stops
    held_out_share: float = 0.1  # of the texts, and of the voices
    held_out_voices: tuple[str, ...] | None = None  # None: chosen by their names
    shift: Shift | None = None  # None: chosen by listening to the held-out pairs
    most_listened: int = 200  # held-out pairs at each look
    checkpoint_seconds: float = 60.0  # between two sets of weights that can be gone on from
    seed: int = 0

    def validated(self) -> "TrainingPlan":
        """Refuse values that cannot work.

        Raises:
            SettingsError: names the first value that is outside its range.
        """
        if self.architecture not in ARCHITECTURES:
            raise SettingsError(
                f'"{self.architecture}" is no architecture; choose one of '
                f"{', '.join(ARCHITECTURES)}."
            )
        bounds: tuple[tuple[str, float, float, float], ...] = (
            ("The number of tokens", self.tokens, 2, 65_536),
            ("The width", self.hidden or 256, 8, 4_096),
            ("The number of epochs", self.epochs, 1, 1_000),
            ("The least number of steps", self.least_steps, 1, 1_000_000),
            ("The batch", self.batch, 1, 512),
            ("The learning rate", self.learning_rate, 1e-6, 0.1),
            ("The warm-up", self.warm_up_steps, 0, 100_000),
            ("The weight decay", self.weight_decay, 0.0, 1.0),
            ("The dropout", self.dropout, 0.0, 0.9),
            ("The smoothing", self.smoothing, 0.0, 0.9),
            ("The mixing of voices", self.mixing, 0.0, 1.0),
            ("The patience", self.patience, 1, 10_000),
            ("The share of held-out pairs", self.held_out_share, 0.01, 0.5),
        )
        for name, value, low, high in bounds:
            if not low <= value <= high:
                raise SettingsError(
                    f"{name} is {value!r}; it must lie between {low:g} and {high:g}."
                )
        return self

    def config(self, inputs: int) -> QuantizerConfig:
        """Give the sizes of the network for an encoder that gives so many features a frame."""
        is_wide = inputs >= WIDE
        if self.architecture == "version_2":
            hidden = self.hidden or (768 if is_wide else 256)
            return QuantizerConfig(inputs, hidden, self.tokens, blocks=4, kernel=9)
        hidden = self.hidden or (1_024 if is_wide else 256)
        between = 4 * hidden if self.architecture == "version_1" else None
        return QuantizerConfig(inputs, hidden, self.tokens, between)


@dataclass(frozen=True)
class Split:
    """Which pairs are learned from, and which are only listened to, by their places."""

    training: tuple[int, ...]
    unseen_texts: tuple[int, ...]  # in voices that are learned from
    unseen_voices: tuple[int, ...]
    held_out_voices: tuple[str, ...]

    @property
    def held_out(self) -> tuple[int, ...]:
        """All pairs that are not learned from."""
        return tuple(sorted({*self.unseen_texts, *self.unseen_voices}))


def split_pairs(data: TrainingData, plan: TrainingPlan) -> Split:
    """Choose the held-out texts and voices.

    Texts are chosen by what they say and nothing else: one that was learned from is never held out
    later, however many pairs are added. A text is never on both sides, whoever speaks it.

    Raises:
        SettingsError: there are too few pairs, or nothing is left to learn from or to judge by.
    """
    if len(data) < LEAST_PAIRS:
        raise SettingsError(
            f"There are {len(data)} pairs; at least {LEAST_PAIRS} are needed, and some hundreds "
            "for a quantizer that is of use."
        )
    voices = _held_out_voices(data, plan)
    ranks = {text: _rank(plan.seed, "text", text) for text in set(data.texts)}
    bound = max(plan.held_out_share, min(ranks.values()))
    unseen_voices, unseen_texts, training = [], [], []
    for place, (text, voice) in enumerate(zip(data.texts, data.voices, strict=True)):
        if voice in voices:
            unseen_voices.append(place)
        elif ranks[text] <= bound:
            unseen_texts.append(place)
        else:
            training.append(place)
    split = Split(tuple(training), tuple(unseen_texts), tuple(unseen_voices), voices)
    if not split.training or not split.held_out:
        raise SettingsError(
            "All pairs say the same or are of one voice that is held out, so nothing is left to "
            "learn from. Make pairs of more texts and voices."
        )
    return split


def _held_out_voices(data: TrainingData, plan: TrainingPlan) -> tuple[str, ...]:
    if plan.held_out_voices is not None:
        return plan.held_out_voices
    names = sorted(set(data.voices) - {""})
    if len(names) < LEAST_VOICES:
        return ()
    names.sort(key=lambda name: _rank(plan.seed, "voice", name))
    return tuple(sorted(names[: max(1, round(plan.held_out_share * len(names)))]))


def _rank(seed: int, kind: str, name: str) -> float:
    """A number in 0..1 that follows from a name, the same on every machine."""
    digest = blake2b(f"{seed}/{kind}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
