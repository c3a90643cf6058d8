"""From an order and what is on disk to what the layers below take: controls, plan, data."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from webui.arrays import SemanticTokens, SpeechFeatures
from webui.backend.pair_store import PairStore
from webui.backend.requests import TrainingOrder
from webui.clone_results import Recording
from webui.errors import SettingsError, StorageError
from webui.family import FamilyConfig
from webui.synthesis.controls import SpeechControls, controls_from_json
from webui.training_results import PHONE_CLASSES

if TYPE_CHECKING:
    from webui.training.features import Augmentation
    from webui.training.plan import TrainingData, TrainingPlan

PLAIN, VARIED = "plain", "varied"
CLASSES_FILE = "token_classes.json"  # in a family's folder: the tokens of each class of sounds
MAX_CLASSES_BYTES = 2**20
DIGEST_BYTES = 2**20  # of the beginning and of the end of an encoder's weights
CLIP_SECONDS = (1.5, 15.0)  # of a sound that a clone is made of to judge a quantizer
MOST_CLIPS = 3
HEARING_RATE = 16_000  # Hz; of every encoder (webui/cloning/hubert.py)
BARK_HOP = 320  # samples a frame; of HuBERT base


@dataclass(frozen=True)
class FeatureKind:
    """How pairs are listened to: with which encoder, and as they are or varied."""

    key: str  # the name of the folder that keeps what was heard
    is_varied: bool = False
    layer: int | None = None  # of the encoder; None: the family's own choice

    def augmentation(self) -> "Augmentation | None":
        """How the sound is varied first."""
        if not self.is_varied:
            return None
        from webui.training.features import Augmentation

        return Augmentation()


@dataclass(frozen=True)
class TrainingGround:
    """What a training stands on: how it listens, the rates and tokens of its family."""

    kinds: tuple[FeatureKind, ...]  # the first one as the sound is
    rates: tuple[float, float]  # frames of features a second, semantic tokens a second
    tokens: int  # that the family has
    controls: SpeechControls = field(default_factory=SpeechControls)  # as the family asks
    classes: Mapping[int, str] = field(default_factory=dict)  # of sounds, by token, where known


def training_ground(
    config: FamilyConfig, encoder: Path, augment: bool, layer: int | None = None
) -> TrainingGround:
    """Look at a family and its encoder; with `augment` sounds are listened to varied as well.

    What another encoder or layer heard lies under another name, so with a new one listening begins
    anew.

    Args:
        config: of the family.
        encoder: the folder of what listens.
        augment: whether to listen to varied sounds, too.
        layer: of the encoder; None takes the family's own choice.

    Raises:
        StorageError: the encoder cannot be read.
        SettingsError: the family asks for controls that cannot be.
    """
    try:
        digest, hop = _digest(encoder), _hop(encoder)
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise StorageError(f"The encoder in {encoder.name} cannot be read ({fault}).") from fault
    key = digest if layer is None else f"{digest}-layer{layer}"
    plain = FeatureKind(f"{PLAIN}-{key}", layer=layer)
    varied = FeatureKind(f"{VARIED}-{key}", is_varied=True, layer=layer)
    kinds = (plain, varied) if augment else (plain,)
    rates = HEARING_RATE / hop, config.semantic.rate_hz
    controls = controls_from_json(config.controls)
    tokens = config.semantic.vocabulary
    return TrainingGround(kinds, rates, tokens, controls, token_classes(config.folder, tokens))


def token_classes(family: Path, tokens: int) -> dict[int, str]:
    """Say of which class of sounds each token of a family is, as far as its files tell.

    Nothing rests on it but a few lines of the report card, so a file that cannot be read, like one
    that is not there, tells nothing.
    """
    file = family / CLASSES_FILE
    try:
        if file.stat().st_size > MAX_CLASSES_BYTES:
            return {}
        found = json.loads(file.read_text("utf-8"))
        return {
            token: name
            for name in PHONE_CLASSES
            for token in found.get(name, ())
            if type(token) is int and 0 <= token < tokens
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def check_layer(layer: int | None, encoder: Path) -> None:
    """Refuse a layer that the encoder does not have.

    Raises:
        SettingsError: it has no such layer.
        CheckpointError: it is no encoder.
    """
    from webui.cloning.hubert import encoder_layers

    if layer is None:
        return
    own, layers = encoder_layers(encoder)
    if not 1 <= layer <= layers:
        raise SettingsError(
            f"The encoder has no layer {layer}; choose one from 1 to {layers}, or leave the choice "
            f"to the family, which reads layer {own}."
        )


def speech_controls(order: TrainingOrder, ground: TrainingGround) -> SpeechControls:
    """How texts are spoken: the words as boldly as the order says, the sound as the family asks."""
    semantic = replace(ground.controls.semantic, temperature=order.temperature)
    return replace(ground.controls, semantic=semantic, seed=order.seed)


def training_plan(order: TrainingOrder, ground: TrainingGround) -> "TrainingPlan":
    """How a quantizer is trained."""
    from webui.training.plan import TrainingPlan

    plan = TrainingPlan(ground.tokens, order.architecture, seed=order.seed)
    if order.epochs is None:
        return plan
    return replace(plan, epochs=order.epochs, least_steps=1)


def training_data(
    store: PairStore, kinds: Sequence[FeatureKind], rates: tuple[float, float]
) -> "TrainingData":
    """Gather what was heard in all pairs, with their tokens.

    Raises:
        StorageError: something is damaged; it was put aside, to be made again.
    """
    from webui.training.plan import TrainingData

    facts = {each.number: each for each in store.facts()}
    features, tokens, texts, voices = [], [], [], []
    for kind in kinds:
        for shard in store.shards():
            said, heard = _read(store, kind.key, shard)
            for number in sorted(said.keys() & heard.keys()):
                features.append(heard[number])
                tokens.append(said[number])
                texts.append(facts[number].text)
                voices.append(facts[number].voice)
    return TrainingData(tuple(features), tuple(tokens), tuple(texts), tuple(voices), rates)


def clips_to_clone(
    store: PairStore, data: "TrainingData", plan: "TrainingPlan"
) -> tuple[Recording, ...]:
    """Choose some of the sounds that were held out, to make clones of: of voices that differ.

    Raises:
        SettingsError: there are too few pairs to hold any out.
        StorageError: a sound is damaged.
    """
    from webui.training.plan import split_pairs

    split = split_pairs(data, plan)
    held_out = [*split.unseen_voices, *split.unseen_texts]
    wanted = {(data.texts[place], data.voices[place]): rank for rank, place in enumerate(held_out)}
    found = [each for each in store.facts() if (each.text, each.voice) in wanted]
    fitting = [each for each in found if CLIP_SECONDS[0] <= each.seconds <= CLIP_SECONDS[1]]
    fitting.sort(key=lambda each: wanted[each.text, each.voice])
    by_voice = {each.voice: each for each in reversed(fitting)}
    chosen = sorted(by_voice.values(), key=lambda each: wanted[each.text, each.voice])
    pairs = [store.pair(each.number) for each in chosen[:MOST_CLIPS]]
    return tuple(
        Recording(each.waveform, each.sample_rate, each.voice) for each in pairs if each is not None
    )


def _read(
    store: PairStore, kind: str, shard: str
) -> tuple[dict[int, SemanticTokens], dict[int, SpeechFeatures]]:
    try:
        said = store.tokens(shard)
    except StorageError:
        store.put_aside(shard)
        raise
    try:
        return said, store.features(kind, shard)
    except StorageError:
        store.forget_features(kind, shard)
        raise


def _digest(encoder: Path) -> str:
    """A fingerprint of an encoder: its config, and the ends of its weights with their sizes."""
    found = hashlib.sha256()
    for file in sorted(encoder.iterdir()):
        if file.suffix in (".json", ".safetensors", ".bin"):
            size = file.stat().st_size
            with file.open("rb") as content:
                found.update(f"{file.name} {size}".encode() + content.read(DIGEST_BYTES))
                content.seek(max(0, size - DIGEST_BYTES))
                found.update(content.read(DIGEST_BYTES))
    return found.hexdigest()[:12]


def _hop(encoder: Path) -> int:
    """How many samples a frame of features stands for."""
    strides = json.loads((encoder / "config.json").read_text("utf-8")).get("conv_stride")
    return math.prod(map(int, strides)) if strides else BARK_HOP
