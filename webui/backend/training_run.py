"""The work on one training, from wherever it stands to the report: speak, listen, learn, judge.

All of it is done in parts that are small enough for a person who wants to speak meanwhile: whoever
waits for the device gets it when a part ends, and a part that takes long is broken off. What a part
has made is on disk before the next one begins, so that the work can end in any way at any time.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from webui.backend.engine import Engine, error_of
from webui.backend.requests import (
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    Request,
    TrainRequest,
)
from webui.backend.side_by_side import PartToken, side_by_side
from webui.backend.training_data import (
    FeatureKind,
    TrainingGround,
    clips_to_clone,
    speech_controls,
    training_data,
    training_plan,
)
from webui.backend.training_folder import TrainingFolder
from webui.backend.training_sample import RunSamples
from webui.backend.work_parts import Item, Part, WorkParts
from webui.errors import EngineError, JobCancelled, StorageError, TrainingError, UserError
from webui.events import Cancelled, CancelToken, Done, Event, Failed, Progress
from webui.training_results import (
    FeaturesHeard,
    PairDropped,
    PairMade,
    QuantizerReport,
    QuantizerWeights,
    SampleHeard,
    SampleMissed,
    TrainingPoint,
)

if TYPE_CHECKING:
    from webui.training.pairs import NumberedText
    from webui.training.plan import TrainingData

TEXTS_AT_ONCE = 8  # what an engine says in one pass
LONG_SECONDS = 6.0  # a part that takes longer is broken off for somebody who waits
FRUITLESS_SECONDS = 40.0  # the same, for a part of which nothing has come yet
LOOK_SECONDS = 0.25  # between two looks whether somebody waits
MOST_TRIES = 3  # in a row that bring nothing
LEAST_SECONDS = 2.0  # of work before anything is said about the rest
# What the stages take of the whole, about, to show how far it is.
SHARES = {
    "pairs": (0.0, 0.6), "features": (0.6, 0.1), "train": (0.7, 0.25), "evaluate": (0.95, 0.05),
}  # fmt: skip
RETRIED = ("EngineError", "DeviceMemoryError")  # the next try may have more luck


class TrainingRun:
    """Works on a training that nobody else works on."""

    def __init__(
        self,
        folder: TrainingFolder,
        engine: Engine,
        ground: TrainingGround,
        cancel: CancelToken | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._engine = folder, engine
        self._plan, self._texts = folder.plan(), folder.count()
        self._ground = ground
        self._samples = RunSamples(folder, ground)
        self._cancel = cancel or CancelToken()
        self._clock = clock
        self._looked_at = clock()
        self._others_wait = False

    def events(self) -> Iterator[Event]:
        """Do all that is left to do; what cannot be done ends in a sentence.

        Raises:
            UserError: the work cannot go on.
            JobCancelled: somebody pressed Stop.
        """
        weights = self._folder.weights()
        if weights is None or not weights.is_final:
            yield from self._learn((yield from self._heard(self._ground.kinds)))
        if self._folder.report() is None:
            yield from self._judge()
        yield Done()

    def _heard(self, kinds: Sequence[FeatureKind]) -> "Generator[Event, None, TrainingData]":
        """Speak and listen until everything is there; what is found damaged is made again."""
        for _ in range(MOST_TRIES):
            while not self._is_heard():
                yield from self._speak()
                yield from self._listen()
            with suppress(StorageError):
                return training_data(self._folder.pairs, kinds, self._ground.rates)
        raise TrainingError(
            "What was kept of this training is damaged again and again. Check the disk."
        )

    def _is_heard(self) -> bool:
        """Whether every text has been spoken and every pair listened to."""
        pairs = self._folder.pairs
        if len(pairs.done()) < self._texts:
            return False
        return not any(pairs.without_features(kind.key) for kind in self._ground.kinds)

    # Speaking

    def _speak(self) -> Iterator[Event]:
        store, texts = self._folder.pairs, self._folder.texts()
        done = store.done()
        todo = [each for each in texts if each.number not in done]
        todo.sort(key=lambda each: each.voice_name)  # those of one voice are said in one pass
        controls = speech_controls(self._plan.order, self._ground)

        def request(items: "Sequence[NumberedText]") -> Request | None:
            return PairsRequest(self._plan.family, tuple(items), controls)

        def keep(part: "Part[NumberedText]") -> "list[NumberedText]":
            made = [each for each in part.results if isinstance(each, PairMade)]
            dropped = [each for each in part.results if isinstance(each, PairDropped)]
            store.add(made, dropped)
            known = {each.number for each in made} | {each.number for each in dropped}
            return [each for each in part.items if each.number not in known]

        parts = WorkParts(todo, TEXTS_AT_ONCE, self._cancel)
        yield from self._in_parts("pairs", parts, request, keep, len(texts))
        if not store.facts():
            raise TrainingError(
                "Nothing usable was spoken: every pair was dropped. Choose other voices or texts."
            )

    # Listening

    def _listen(self) -> Iterator[Event]:
        store = self._folder.pairs
        todo = [
            (kind, shard)
            for kind in self._ground.kinds
            for shard in store.without_features(kind.key)
        ]
        total = len(store.shards()) * len(self._ground.kinds)

        def request(items: Sequence[tuple[FeatureKind, str]]) -> Request | None:
            ((kind, shard),) = items
            try:
                pairs = tuple(store.pairs(shard))
            except StorageError:
                store.put_aside(shard)
                return None
            sounds = tuple((each.number, each.waveform, each.sample_rate) for each in pairs)
            seed = self._plan.order.seed
            return FeaturesRequest(self._plan.family, sounds, kind.augmentation(), seed, kind.layer)

        def keep(part: Part[tuple[FeatureKind, str]]) -> list[tuple[FeatureKind, str]]:
            ((kind, shard),) = part.items
            heard = [each for each in part.results if isinstance(each, FeaturesHeard)]
            if not isinstance(part.last, Done):
                return list(part.items)
            if heard:
                store.add_features(kind.key, shard, heard)
            return []

        parts = WorkParts(todo, 1, self._cancel)
        yield from self._in_parts("features", parts, request, keep, total)

    # Learning

    def _learn(self, data: "TrainingData") -> Iterator[Event]:
        plan = training_plan(self._plan.order, self._ground)
        weights, tries, has_failed = self._folder.weights(), 0, False
        while weights is None or not weights.is_final:
            resume = weights.resume if weights is not None else None
            # What made a part fail may have been its samples: without them it goes on.
            sample = None if has_failed else self._samples.order(data, plan)
            part: Part[None] = Part((), PartToken(whole=self._cancel), self._clock())
            for event in self._engine.run(TrainRequest(data, plan, resume, sample), part.token):
                part.last = event
                if isinstance(event, TrainingPoint) and event.step:
                    self._folder.add_points([event])
                    yield event
                elif isinstance(event, QuantizerWeights) and event.step:
                    weights, tries = self._kept(event, part.token.cancelled), 0
                elif isinstance(event, SampleHeard | SampleMissed):
                    yield self._samples.keep(event)
                elif isinstance(event, Progress):
                    yield self._shown("train", event.fraction, event.seconds_left, event)
                self._give_way(part, bool(weights))
            tries = self._after(part, tries)
            if sample is not None and isinstance(part.last, Failed):
                has_failed = True
                yield self._samples.without(0 if weights is None else weights.step, part.last)

    def _kept(self, weights: QuantizerWeights, is_broken_off: bool) -> QuantizerWeights:
        """Keep weights; those that a stop brought are not the last ones."""
        kept = replace(weights, is_final=weights.is_final and not is_broken_off)
        self._folder.save_weights(kept)
        self._folder.forget_report()
        return kept

    def _judge(self) -> Iterator[Event]:
        data = yield from self._heard(self._ground.kinds[:1])
        weights = self._folder.weights()
        if weights is None:
            raise TrainingError("The weights of this training are damaged. Continue it once more.")
        order, family = self._plan.order, self._plan.family
        plan = training_plan(order, self._ground)
        clips = clips_to_clone(self._folder.pairs, data, plan)
        request = EvaluateRequest(
            data, plan, weights, family, order.language, clips, order.layer, self._ground.classes
        )
        tries = 0
        while self._folder.report() is None:
            sample = None if tries else self._samples.order(data, plan)
            part: Part[None] = Part((), PartToken(whole=self._cancel), self._clock())
            for event in self._engine.run(replace(request, sample=sample), part.token):
                part.last = event
                if isinstance(event, SampleHeard | SampleMissed):
                    yield self._samples.keep(event)
                elif isinstance(event, QuantizerReport):
                    report = replace(event, sample_step=self._samples.step())
                    self._folder.save_report(report)
                    yield report
                elif isinstance(event, Progress):
                    yield self._shown("evaluate", event.fraction, event.seconds_left, event)
                self._give_way(part, False)
            tries = self._after(part, tries)
            if sample is not None and isinstance(part.last, Failed):
                yield self._samples.without(weights.step, part.last)

    # Parts

    def _in_parts(
        self,
        stage: str,
        parts: WorkParts[Item],
        request: Callable[[Sequence[Item]], Request | None],
        keep: Callable[[Part[Item]], list[Item]],
        total: int,
    ) -> Iterator[Event]:
        """Do work part by part, on all devices.

        `request` asks for a part, or gives None where there is nothing to do after all; `keep`
        keeps what came of a part and gives what is left of it.
        """

        def begin(part: Part[Item]) -> Iterator[Event]:
            part.begun = self._clock()
            asked = request(part.items)
            return iter((Done(),)) if asked is None else self._engine.run(asked, part.token)

        todo, begun, tries = parts.left, self._clock(), 0
        yield self._shown(stage, 1 - todo / max(1, total), None)
        try:
            while not parts.is_empty and not self._cancel.cancelled:
                for part, event in side_by_side(parts.take, begin, self._devices()):
                    if isinstance(event, Progress):
                        left = parts.left
                        rest = self._rest(todo - left, left, begun)
                        yield self._shown(stage, 1 - left / max(1, total), rest, event)
                    elif event is not None:
                        part.last = event
                        part.results.append(event)
                    else:
                        tries = self._ended(parts, part, keep(part), tries)
                    self._give_way(part, bool(part.results))
        finally:
            for part in parts.stop():  # what runs beside a part that failed, or was broken off
                with suppress(UserError):
                    keep(part)
        if self._cancel.cancelled:
            raise JobCancelled

    def _ended(self, parts: WorkParts[Item], part: Part[Item], rest: list[Item], tries: int) -> int:
        parts.put_back(part, rest)
        if self._cancel.cancelled:
            return tries  # the others end soon, and are kept too
        return self._after(part, tries if len(rest) == len(part.items) else 0)

    def _after(self, part: Part[Item], tries: int) -> int:
        """Decide whether the work goes on after a part; gives how many tries brought nothing.

        Raises:
            UserError: it does not.
            JobCancelled: somebody pressed Stop.
        """
        if isinstance(part.last, Done):
            return 0
        if self._cancel.cancelled:
            raise JobCancelled
        if isinstance(part.last, Cancelled) and part.gave_way:
            return tries
        if isinstance(part.last, Failed):
            if part.last.kind not in RETRIED or tries + 1 >= MOST_TRIES:
                raise error_of(part.last)
        elif tries + 1 >= MOST_TRIES:
            raise EngineError("The work ended without a result. Please try it again.")
        return tries + 1

    def _give_way(self, part: Part[Item], has_result: bool) -> None:
        """Break a long part off when somebody else waits for the device."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._others_wait = self._engine.status().waiting > 0
        long = LONG_SECONDS if has_result else FRUITLESS_SECONDS
        if self._others_wait and now - part.begun > long and not part.token.cancelled:
            part.gave_way = True
            part.token.cancel()

    def _devices(self) -> int:
        return max(1, self._engine.devices())

    def _rest(self, done: int, left: int, begun: float) -> float | None:
        """Reckon the seconds that are left of a stage, once some of it has been measured."""
        spent = self._clock() - begun
        return None if done < 1 or spent < LEAST_SECONDS else spent * left / done

    def _shown(
        self, stage: str, fraction: float, seconds_left: float | None, told: Progress | None = None
    ) -> Progress:
        """Say how far the whole is; the time left is that of the stage."""
        before, share = SHARES[stage]
        facts = self._folder.pairs
        shown, message = stage, "" if told is None else told.message
        if told is not None and told.stage in ("queued", "load"):
            shown = told.stage
        elif stage == "pairs":
            message = f"{len(facts.facts())} of {self._texts} pairs"
        inside = min(1.0, max(0.0, fraction))
        return Progress(shown, before + share * inside, seconds_left, message=message)
