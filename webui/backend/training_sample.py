"""The sample of a training at work: which held-out speech it is, and what is kept of it."""

from contextlib import suppress
from typing import TYPE_CHECKING

from webui.backend.pair_store import PairFacts
from webui.backend.requests import SampleOrder
from webui.backend.training_data import TrainingGround, speech_controls
from webui.backend.training_folder import TrainingFolder
from webui.errors import StorageError, TrainingError
from webui.events import Failed
from webui.training_results import SampleHeard, SampleKept, SampleMissed

if TYPE_CHECKING:
    from webui.training.plan import TrainingData, TrainingPlan

GOOD_SECONDS = (2.0, 6.0)  # of a speech that is heard again and again
GONE = "The speech that was held out is not there any more."


class RunSamples:
    """Orders samples, always of the same speech, and keeps the newest one."""

    def __init__(self, folder: TrainingFolder, ground: TrainingGround) -> None:
        self._folder, self._ground = folder, ground
        self._chosen: PairFacts | None = None

    def order(self, data: "TrainingData", plan: "TrainingPlan") -> SampleOrder | None:
        """Ask for a sample where a quantizer hears what it did not before.

        The speech is spoken again by the voice, with the seed and the controls that it was made
        with. None where no speech can be told from another.

        Raises:
            SettingsError: there are too few pairs to hold any out.
        """
        from webui.training.resynthesis import HeldOutSpeech

        known = self._folder.pairs.in_shards()
        place = _place_of_speech(known, data, plan)
        if place is None:
            return None
        self._chosen, voice, seed = known[place], None, 0
        with suppress(TrainingError):
            texts = self._folder.texts()
            if self._chosen.number < len(texts):  # pairs of others have no texts
                voice, seed = texts[self._chosen.number].voice, texts[self._chosen.number].seed
        plan_file = self._folder.plan()
        controls = speech_controls(plan_file.order, self._ground)
        speech = HeldOutSpeech(data.features[place], data.rates, voice, controls, seed)
        newest = self._folder.sample.newest()
        return SampleOrder(plan_file.family, speech, None if newest is None else newest.accuracy)

    def keep(self, told: SampleHeard | SampleMissed) -> SampleKept | SampleMissed:
        """Keep a sample in place of the one before, or remember why there is none."""
        kept = self._kept(told) if isinstance(told, SampleHeard) else told
        return self._noted(kept) if isinstance(kept, SampleMissed) else kept

    def without(self, step: int, why: Failed) -> SampleMissed:
        """Go on without samples: one may have made the work fail."""
        return self._noted(SampleMissed(step, f"It goes on without samples. {why.message}"))

    def step(self) -> int | None:
        """The step of the newest sample; None where there is none."""
        newest = self._folder.sample.newest()
        return None if newest is None else newest.step or None

    def _noted(self, missed: SampleMissed) -> SampleMissed:
        self._folder.sample.note(missed)
        return missed

    def _kept(self, heard: SampleHeard) -> SampleKept | SampleMissed:
        spoken = None
        with suppress(StorageError):
            spoken = self._folder.pairs.pair(self._chosen.number) if self._chosen else None
        if spoken is None:
            return SampleMissed(heard.step, GONE)
        return self._folder.sample.keep(heard, spoken, spoken.number < self._folder.count())


def _place_of_speech(
    known: "list[PairFacts]", data: "TrainingData", plan: "TrainingPlan"
) -> int | None:
    """Choose a held-out speech, of a held-out speaker where there is one, neither short nor long.

    It is looked for in what was heard without noise, which stands first.
    """
    from webui.training.plan import split_pairs

    if [each.text for each in known] != list(data.texts[: len(known)]):
        return None  # pairs are being made again
    split = split_pairs(data, plan)
    low, high = GOOD_SECONDS

    def rank(place: int) -> tuple[bool, float, int]:
        seconds = known[place].seconds
        return place not in unseen, max(low - seconds, seconds - high, 0.0), known[place].number

    unseen = {place for place in split.unseen_voices if place < len(known)}
    found = [place for place in split.held_out if place < len(known)]
    return min(found, key=rank, default=None)
