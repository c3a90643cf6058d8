"""Two quantizers that listen to the same pairs, each at the encoder's layer it was trained with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from webui.arrays import AnyFeatures
from webui.backend.engine import Engine, error_of
from webui.backend.pair_store import PairFacts
from webui.backend.requests import CompareRequest, FeaturesRequest, Request
from webui.backend.training_data import TrainingGround, training_data, training_plan
from webui.backend.training_folder import TrainingFolder
from webui.errors import EngineError, StorageError, TrainingError
from webui.events import CancelToken, Event, Failed
from webui.training_results import FeaturesHeard, QuantizerComparison, QuantizerWeights

if TYPE_CHECKING:
    from webui.training.plan import TrainingData

PAIRS_AT_ONCE = 16  # that are listened to in one request


@dataclass(frozen=True, eq=False)
class Rival:
    """A quantizer, and the layer that it reads; None is the family's own choice."""

    weights: QuantizerWeights
    layer: int | None


def rival_in_file(path: Path) -> Rival:
    """Read any quantizer that cloning can use.

    Raises:
        CheckpointError: the file is missing, damaged, or no quantizer.
    """
    from webui.checkpoint import read_notes
    from webui.cloning.quantizer import load_quantizer, sizes_of

    found = load_quantizer(path)
    state = {name: np.asarray(each) for name, each in found.state_dict().items()}
    weights = QuantizerWeights(sizes_of(found.config), state, found.shift, 0, None, is_final=True)
    layer = str(read_notes(path).get("layer", ""))
    return Rival(weights, int(layer) if layer.isdecimal() else None)


class RivalHearing:
    """Lets quantizers listen to what a training has held out."""

    def __init__(
        self, engine: Engine, folder: TrainingFolder, ground: TrainingGround, encoder: Path
    ) -> None:
        self._engine, self._folder, self._ground = engine, folder, ground
        self._encoder = encoder

    def compare(
        self, first: Rival, second: Rival, cancel: CancelToken | None
    ) -> QuantizerComparison:
        """Say which of the two hears better.

        Raises:
            TrainingError: not all pairs were listened to yet.
            EngineError: it could not be done, or somebody pressed Stop.
            UserError: the encoder cannot be used.
        """
        from webui.training.plan import split_pairs

        plan, ground = self._folder.plan(), self._ground
        try:
            data = training_data(self._folder.pairs, ground.kinds[:1], ground.rates)
        except StorageError as fault:
            raise TrainingError(
                f'The pairs of "{self._folder.id}" were not all listened to. Continue it first.'
            ) from fault
        places = split_pairs(data, training_plan(plan.order, ground)).held_out
        held_out, known = data.chosen(places), self._folder.pairs.in_shards()
        facts = [known[place] for place in places]
        ours, theirs = (
            self._heard(held_out, facts, each.layer, cancel) for each in (first, second)
        )
        others = None if theirs is ours else theirs
        request = CompareRequest(
            replace(held_out, features=ours), first.weights, second.weights, others
        )
        for event in self._results(request, cancel):
            if isinstance(event, QuantizerComparison):
                return event
        raise EngineError("The two were not compared to the end. Please try it again.")

    def _heard(
        self,
        data: "TrainingData",
        facts: Sequence[PairFacts],
        layer: int | None,
        cancel: CancelToken | None,
    ) -> tuple[AnyFeatures, ...]:
        """What a layer hears in pairs; kept is only what the training's own layer heard."""
        own = self._ground.kinds[0].layer
        if layer == own or self._number(layer) == self._number(own):
            return data.features
        heard: dict[int, AnyFeatures] = {}
        for first in range(0, len(facts), PAIRS_AT_ONCE):
            request = self._request(facts[first : first + PAIRS_AT_ONCE], layer)
            for event in self._results(request, cancel):
                if isinstance(event, FeaturesHeard):
                    heard[event.number] = event.features
        if len(heard) < len(facts):
            raise EngineError("The pairs were not listened to to the end. Please try it again.")
        return tuple(heard[each.number] for each in facts)

    def _request(self, facts: Sequence[PairFacts], layer: int | None) -> Request:
        pairs = [self._folder.pairs.pair(each.number) for each in facts]
        sounds = tuple(
            (each.number, each.waveform, each.sample_rate) for each in pairs if each is not None
        )
        return FeaturesRequest(self._folder.plan().family, sounds, layer=layer)

    def _results(self, request: Request, cancel: CancelToken | None) -> Sequence[Event]:
        found = list(self._engine.run(request, cancel))
        for event in found:
            if isinstance(event, Failed):
                raise error_of(event)
        return found

    def _number(self, layer: int | None) -> int:
        """The layer that is read, also where nobody chose one."""
        from webui.cloning.hubert import encoder_layers

        return encoder_layers(self._encoder)[0] if layer is None else layer
