"""The part of the service that makes quantizers: begins, continues, stops, tells, hands out."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import webui
from webui.arrays import Speaker
from webui.backend.cloning_catalogue import CLONING_CATALOGUE
from webui.backend.cloning_parts import CloningParts
from webui.backend.engine import Engine
from webui.backend.facts import VoiceInfo
from webui.backend.own_quantizers import OwnQuantizers
from webui.backend.requests import TrainingOrder
from webui.backend.training_data import TrainingGround, check_layer, training_ground
from webui.backend.training_facts import (
    TrainingDetails,
    TrainingInfo,
    TrainingSample,
    TrainingState,
)
from webui.backend.training_folder import (
    TrainingFolder,
    TrainingPlanFile,
    plan_file,
    training_folders,
)
from webui.backend.training_import import import_pairs
from webui.backend.training_orders import (
    LEAST_TEXTS,
    check_training_name,
    check_training_order,
    chosen_voices,
    free_id,
    numbered_texts,
)
from webui.backend.training_rivals import Rival, RivalHearing, rival_in_file
from webui.backend.training_run import TrainingRun
from webui.backend.trainings import Trainings
from webui.errors import SettingsError, TrainingError, UserError
from webui.events import Cancelled, CancelToken, Event
from webui.family import FamilyConfig
from webui.settings import Settings
from webui.training_results import QuantizerComparison, QuantizerWeights
from webui.voice_names import name_key

TRAINING_FOLDER = "training"  # in the folder of the app's own files
PUBLIC_WORDS = "Quantizers are made on one's own machine, not on a public page."


@dataclass(frozen=True)
class TrainingStock:
    """What the service gives the desk: families by their names, voices, the arrays of a voice."""

    config: Callable[[str | None], FamilyConfig]
    whole: Callable[[str | None], FamilyConfig]
    voices: Callable[[str], list[VoiceInfo]]
    speaker: Callable[[str, str], Speaker]


class TrainingDesk:
    """All that can be done with trainings. Safe to use from several threads.

    A training works in a thread of its own: it goes on when nobody looks, and what it has made is
    kept when it is stopped, when the app ends and when the machine fails. `resume` goes on.
    """

    def __init__(self, settings: Settings, engine: Engine, stock: TrainingStock) -> None:
        self._settings, self._engine, self._stock = settings, engine, stock
        self._root = settings.data_dir / TRAINING_FOLDER
        self._creating = threading.Lock()
        self._known: dict[str, TrainingFolder] = {}  # they remember which pairs there are
        self._at_work = Trainings(self._work)

    def all(self) -> list[TrainingInfo]:
        """List all trainings, the newest first; a damaged one is told as failed."""
        found = [self._info(each) for each in self._folders().values()]
        return sorted(found, key=lambda each: (each.created, each.id), reverse=True)

    def details(self, training: str) -> TrainingDetails:
        """Tell all that is known of one.

        Raises:
            TrainingError: there is none of this name, or it is damaged.
        """
        folder = self._folder(training)
        plan = folder.plan()
        seconds = sum(each.seconds for each in folder.pairs.facts())
        curve = tuple(folder.curve())
        info, sample = self._info(folder), folder.sample.newest()
        return TrainingDetails(info, plan.order, curve, seconds, plan.own_text, sample)

    def sample(self, training: str) -> TrainingSample | None:
        """Tell of a training's newest sample; None where there is none, or no such training."""
        found = self._folders().get(training)
        return None if found is None else found.sample.newest()

    def start(self, order: TrainingOrder, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Begin a training; what is wrong with the order is raised before anything is computed.

        Gives the events of the work, which goes on when nobody reads them; `cancel` stops it.

        Raises:
            TrainingError: the name is taken, or another training is at work.
            SettingsError: a number of the order cannot be used, or the page is public.
            UserError: the family, its encoder, a voice or the text is not there or cannot be used.
        """
        self._only_owner()
        self._at_work.check_idle()
        check_training_order(order)
        config = self._stock.whole(order.family)
        check_layer(order.layer, self._parts.encoder(config))
        known = self._stock.voices(config.id)
        voices = chosen_voices(order, known, lambda each: self._stock.speaker(each, config.id))
        texts = numbered_texts(order, config, voices)
        with self._creating:
            folder = self._new_folder(order.name)
            folder.create(plan_file(order, config.id), texts, voices)
        return self._begin(folder, cancel)

    def import_pairs(
        self, order: TrainingOrder, sources: Sequence[Path], cancel: CancelToken | None = None
    ) -> Iterator[Event]:
        """Begin a training with pairs that others made, instead of letting the family speak.

        Gives how many were read, then the events of the work.

        Args:
            order: of it texts, corpus, voices and temperature are not used.
            sources: folders of `N_semantic.npy` and `N_wav.wav`, or zips of `semantic/`, `wav/`.
            cancel: stops it; while pairs are read nothing is kept.

        Raises:
            TrainingError: the name is taken, or a source holds no pairs.
            SettingsError: a number of the order cannot be used, or the page is public.
            UserError: the family or its encoder is not there, or a source cannot be read.
        """
        self._only_owner()
        self._at_work.check_idle()
        check_training_order(replace(order, texts=LEAST_TEXTS))
        config = self._stock.whole(order.family)
        check_layer(order.layer, self._parts.encoder(config))
        with self._creating:
            folder = self._new_folder(order.name)
            plan = plan_file(replace(order, texts=0, voices=()), config.id)
            folder.create(plan, [], {})
        stop = cancel or CancelToken()
        try:
            with folder.at_work():
                yield from import_pairs(folder.pairs, sources, config, stop)
        except BaseException:
            folder.delete()
            raise
        if stop.cancelled:
            folder.delete()
            yield Cancelled()
            return
        yield from self._begin(folder, cancel)

    def resume(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Go on with a training where it was left, or watch it where it is at work.

        Raises:
            TrainingError: there is none of this name, it is damaged, or another one is at work.
            SettingsError: the page is public.
        """
        self._only_owner()
        folder = self._folder(training)
        folder.plan()
        return self._begin(folder, cancel)

    def follow(self, training: str, cancel: CancelToken | None = None) -> Iterator[Event]:
        """Watch a training while it is at work; nothing where it is not."""
        return self._at_work.follow(training, cancel)

    def stop(self, training: str) -> None:
        """Stop a training. What it has made is kept, the best weights too.

        Raises:
            SettingsError: the page is public.
        """
        self._only_owner()
        self._at_work.stop(training)

    def delete(self, training: str) -> None:
        """Remove a training with its pairs; a quantizer that cloning uses already stays.

        Raises:
            TrainingError: there is none of this name, or it is at work.
            StorageError: it cannot be removed.
            SettingsError: the page is public.
        """
        self._only_owner()
        self._folder(training).delete()

    def install(self, training: str) -> str:
        """Make the best weights so far usable for cloning; gives the quantizer's name there.

        Raises:
            TrainingError: nothing has been learned yet.
            FamilyNotFoundError: the family is not here any more.
            StorageError: it cannot be written.
            SettingsError: the page is public.
        """
        self._only_owner()
        folder = self._folder(training)
        plan, weights = folder.plan(), self._weights(folder)
        own = self._own(plan.family)
        name = self._quantizer_name(folder.id, plan.family)
        report = folder.report()
        card = {
            "title": plan.order.name, "language": plan.order.language, "family": plan.family,
            "training": folder.id, "accuracy": weights.accuracy, "steps": weights.step,
            "pairs": len(folder.pairs.facts()), "shift": weights.shift,
            "architecture": weights.sizes.architecture, "layer": plan.order.layer,
            "report": None if report is None else asdict(report),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "app_version": webui.__version__,
        }  # fmt: skip
        return own.add(name, weights, card).name

    def uninstall(self, training: str) -> None:
        """Take a training's quantizer away from cloning; the training stays.

        Raises:
            TrainingError: it is not there.
            StorageError: it cannot be removed.
            SettingsError: the page is public.
        """
        self._only_owner()
        folder = self._folder(training)
        family = folder.plan().family
        self._own(family).remove(self._quantizer_name(folder.id, family))

    def export(self, training: str, path: Path) -> None:
        """Write the best weights so far into a new file.

        Args:
            training: its id.
            path: `.pth`, which other cloning tools read (versions 0 and 1), or `.safetensors`.

        Raises:
            TrainingError: nothing has been learned yet, or the file is of another kind.
            StorageError: it cannot be written, or this kind cannot hold the architecture.
        """
        from webui.quantizer_file import layer_note, write_published, write_quantizer

        folder = self._folder(training)
        plan, weights = folder.plan(), self._weights(folder)
        if path.suffix == ".pth":
            write_published(path, weights, plan.order.layer)
        elif path.suffix == ".safetensors":
            notes = {"title": plan.order.name, "family": plan.family}
            notes |= {"language": plan.order.language, **layer_note(plan.order.layer)}
            write_quantizer(path, weights, notes)
        else:
            raise TrainingError("A quantizer is a file that ends in .pth or in .safetensors.")

    def compare(
        self, first: str, second: str, on: str = "", cancel: CancelToken | None = None
    ) -> QuantizerComparison:
        """Let two quantizers listen to the same pairs, which neither of them was trained on.

        Args:
            first: the id of a training, or the name of a quantizer that cloning can use.
            second: another one.
            on: the training whose held-out pairs are listened to; empty takes the first of the two
                that is one.
            cancel: stops it.

        Raises:
            TrainingError: there is no such training, or nothing was listened to in it yet.
            FamilyNotFoundError: there is no such quantizer.
            EngineError: it could not be done, or somebody pressed Stop.
            UserError: the encoder, or the file of a quantizer, cannot be used.
        """
        known = self._folders()
        chosen = on or next((each for each in (first, second) if each in known), first)
        folder = self._folder(chosen)
        plan, ground = self._standing(folder)
        encoder = self._parts.encoder(self._stock.whole(plan.family))
        ours, theirs = (self._anything(each, plan.family) for each in (first, second))
        return RivalHearing(self._engine, folder, ground, encoder).compare(ours, theirs, cancel)

    def close(self) -> None:
        """Stop all work."""
        self._at_work.close()

    def _work(self, folder: TrainingFolder, cancel: CancelToken) -> Iterator[Event]:
        _, ground = self._standing(folder)
        return TrainingRun(folder, self._engine, ground, cancel).events()

    def _standing(self, folder: TrainingFolder) -> tuple[TrainingPlanFile, TrainingGround]:
        plan = folder.plan()
        config = self._stock.whole(plan.family)
        encoder = self._parts.encoder(config)
        return plan, training_ground(config, encoder, plan.order.augment, plan.order.layer)

    def _anything(self, name: str, family: str) -> Rival:
        """What a training made, or a quantizer that cloning can use."""
        if name in self._folders():
            folder = self._folder(name)
            return Rival(self._weights(folder), folder.plan().order.layer)
        config = self._stock.config(family)
        return rival_in_file(self._parts.quantizer(config, "", name).file)

    def _begin(self, folder: TrainingFolder, cancel: CancelToken | None) -> Iterator[Event]:
        self._at_work.start(folder)
        return self._at_work.follow(folder.id, cancel)

    def _info(self, folder: TrainingFolder) -> TrainingInfo:
        try:
            plan = folder.plan()
        except TrainingError as fault:
            return TrainingInfo(folder.id, folder.id, "", "", "failed", "", 0, 0, words=str(fault))
        progress, end = self._at_work.progress(folder.id), folder.end()
        weights, report = folder.weights_facts(), folder.report()
        known: dict[str, TrainingState] = {"done": "done", "failed": "failed"}
        info = TrainingInfo(
            folder.id, plan.order.name, plan.family, plan.order.language,
            known.get(end.outcome, "stopped"), plan.created, folder.count(),
            len(folder.pairs.facts()), folder.pairs.dropped(), plan.order.architecture,
            None if weights is None else weights.accuracy, report, words=end.words,
            installed=self._installed(folder.id, plan.family),
        )  # fmt: skip
        if progress is None:
            return replace(info, can_continue=info.state != "done")
        return replace(
            info, state="running", stage=progress.stage, fraction=progress.fraction,
            seconds_left=progress.seconds_left, words=progress.message,
        )  # fmt: skip

    def _installed(self, training: str, family: str) -> str:
        try:
            own = self._own(family).all()
        except UserError:
            return ""
        return next((each.name for each in own if each.card.get("training") == training), "")

    @property
    def _parts(self) -> CloningParts:
        return CloningParts(self._settings.models_dir, self._settings.offline)

    def _own(self, family: str) -> OwnQuantizers:
        return self._parts.made_here(self._stock.config(family))

    def _quantizer_name(self, training: str, family: str) -> str:
        """The training's id, unless cloning has another quantizer of this name."""
        taken = {
            each.name
            for each in self._parts.quantizers(self._stock.config(family))
            if not each.title
        }
        return f"{training}-own" if training in taken | set(CLONING_CATALOGUE) else training

    def _weights(self, folder: TrainingFolder) -> QuantizerWeights:
        found = folder.weights()
        if found is None:
            raise TrainingError(
                f'Nothing has been learned yet in the training "{folder.id}". Continue it first.'
            )
        return found

    def _folder(self, training: str) -> TrainingFolder:
        found = self._folders().get(training)
        if found is None:
            raise TrainingError(
                f'There is no training "{training[:64]}". `python -m webui train list` lists them.'
            )
        return found

    def _folders(self) -> dict[str, TrainingFolder]:
        found = training_folders(self._root)
        self._known = {name: self._known.get(name, each) for name, each in found.items()}
        return self._known

    def _new_folder(self, name: str) -> TrainingFolder:
        there = self._folders()
        wanted = name_key(check_training_name(name))
        for each in there.values():
            try:
                taken = name_key(each.plan().order.name) == wanted
            except TrainingError:
                continue
            if taken:
                raise TrainingError(
                    f'There is a training "{each.id}" of this name already. Continue it, or choose '
                    "another name."
                )
        folders = {each.name for each in self._root.iterdir()} if self._root.is_dir() else set()
        return TrainingFolder(self._root / free_id(name, folders))

    def _only_owner(self) -> None:
        if self._settings.public:
            raise SettingsError(PUBLIC_WORDS)
