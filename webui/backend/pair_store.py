"""The pairs of a training on disk: shards that are written once, and what was heard in them."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from webui.array_archive import pack_arrays, read_arrays, read_facts
from webui.arrays import SpeechFeatures
from webui.errors import StorageError
from webui.file_saving import save_file, sweep_leftovers
from webui.training_results import FeaturesHeard, PairDropped, PairMade

PAIRS, FEATURES = "pairs", "features"
LOUDEST = 32_767  # of a sample in 16 bits
SUFFIX, ASIDE = ".npz", ".damaged"
TOKENS, SOUND = ".semantic", ".sound"  # how the names of a pair's arrays end


@dataclass(frozen=True)
class PairFacts:
    """What is known of a pair without reading its sound."""

    number: int
    text: str
    voice: str
    seconds: float
    tokens: int


@dataclass(frozen=True)
class _Shard:
    name: str
    pairs: tuple[PairFacts, ...]
    dropped: Mapping[int, str]


class PairStore:
    """All pairs of one training. One process writes; its threads may do so at the same time.

    A shard holds what came of one piece of work. It appears whole or not at all, and is never
    changed: a pair that is there is there for good, and no number is kept twice.
    """

    def __init__(self, folder: Path) -> None:
        self._pairs, self._features = folder / PAIRS, folder / FEATURES
        self._guard = threading.Lock()
        self._shards: dict[str, _Shard] = {}
        self._changed_at = -1  # the folder's time of change when it was read, in ns

    def add(self, made: Sequence[PairMade], dropped: Sequence[PairDropped] = ()) -> None:
        """Keep what came of a piece of work; what is there already is left out.

        Raises:
            StorageError: it cannot be written.
        """
        with self._guard:
            known = self._numbers()
            new = [each for each in made if each.number not in known]
            gone = {each.number: each.why for each in dropped if each.number not in known}
            if not new and not gone:
                return
            arrays: dict[str, np.ndarray] = {}
            for each in new:
                arrays[f"{each.number}{TOKENS}"] = each.semantic.astype(np.int32)
                arrays[f"{each.number}{SOUND}"] = _to_16_bits(each.waveform)
            facts = {
                "pairs": [
                    {
                        "number": each.number, "text": each.text, "voice": each.voice,
                        "rate": each.sample_rate,
                        "seconds": round(len(each.waveform) / each.sample_rate, 3),
                        "tokens": len(each.semantic),
                    }
                    for each in new
                ],
                "dropped": {str(number): why for number, why in gone.items()},
            }  # fmt: skip
            first = min([*gone, *(each.number for each in new)])
            path = self._pairs / f"{first:08d}{SUFFIX}"
            save_file(path, pack_arrays(arrays, facts))
            self._read_shards()[path.stem] = _shard(path.stem, facts)

    def done(self) -> frozenset[int]:
        """The numbers that need not be made any more: pairs, and what was dropped."""
        with self._guard:
            return frozenset(self._numbers())

    def facts(self) -> list[PairFacts]:
        """Tell of all pairs, in the order of their numbers."""
        with self._guard:
            found = [pair for shard in self._read_shards().values() for pair in shard.pairs]
        return sorted(found, key=lambda each: each.number)

    def in_shards(self) -> list[PairFacts]:
        """Tell of all pairs, shard after shard: as they stand in what is learned from."""
        with self._guard:
            shards = self._read_shards()
            found = [shards[name].pairs for name in sorted(shards)]
        return [pair for pairs in found for pair in sorted(pairs, key=lambda each: each.number)]

    def dropped(self) -> dict[str, int]:
        """Count what was dropped, by the reason."""
        with self._guard:
            shards = list(self._read_shards().values())
        return dict(Counter(why for shard in shards for why in shard.dropped.values()))

    def shards(self) -> list[str]:
        """Name the shards that hold pairs, in the order of their numbers."""
        with self._guard:
            return sorted(name for name, shard in self._read_shards().items() if shard.pairs)

    def pairs(self, shard: str) -> Iterator[PairMade]:
        """Read the pairs of a shard, sound included.

        Raises:
            StorageError: it is damaged.
        """
        arrays, facts = read_arrays(self._pairs / f"{shard}{SUFFIX}")
        for each in facts["pairs"]:
            number = int(each["number"])
            yield PairMade(
                number,
                str(each["text"]),
                str(each["voice"]),
                arrays[f"{number}{TOKENS}"].astype(np.int64),
                arrays[f"{number}{SOUND}"].astype(np.float32) / LOUDEST,
                int(each["rate"]),
            )

    def pair(self, number: int) -> PairMade | None:
        """Read one pair; None where there is none of this number.

        Raises:
            StorageError: its shard is damaged.
        """
        with self._guard:
            shards = self._read_shards().values()
            name = next(
                (s.name for s in shards if number in {each.number for each in s.pairs}), None
            )
        if name is None:
            return None
        return next(each for each in self.pairs(name) if each.number == number)

    def tokens(self, shard: str) -> dict[int, np.ndarray]:
        """Read the semantic tokens of a shard's pairs, by number.

        Raises:
            StorageError: it is damaged.
        """
        arrays, _ = read_arrays(self._pairs / f"{shard}{SUFFIX}", TOKENS)
        return {
            int(name.removesuffix(TOKENS)): each.astype(np.int64) for name, each in arrays.items()
        }

    def put_aside(self, shard: str) -> None:
        """Count a damaged shard as not there: its pairs are made again."""
        path = self._pairs / f"{shard}{SUFFIX}"
        with self._guard:
            path.replace(path.with_suffix(ASIDE))
            self._read_shards().pop(shard, None)

    def without_features(self, kind: str) -> list[str]:
        """Name the shards that nobody listened to yet with an encoder and augmentation `kind`."""
        folder = self._features / kind
        return [each for each in self.shards() if not (folder / f"{each}{SUFFIX}").is_file()]

    def add_features(self, kind: str, shard: str, heard: Iterable[FeaturesHeard]) -> None:
        """Keep what was heard in all pairs of a shard.

        Raises:
            StorageError: it cannot be written.
        """
        arrays = {str(each.number): each.features.astype(np.float16) for each in heard}
        path = self._features / kind / f"{shard}{SUFFIX}"
        save_file(path, pack_arrays(arrays, {"kind": kind}), replace=True)

    def features(self, kind: str, shard: str) -> dict[int, SpeechFeatures]:
        """Read what was heard in a shard's pairs, by number.

        Raises:
            StorageError: it is damaged.
        """
        arrays, _ = read_arrays(self._features / kind / f"{shard}{SUFFIX}")
        return {int(number): array for number, array in arrays.items()}

    def forget_features(self, kind: str, shard: str) -> None:
        """Let a shard's features be heard anew: they are damaged."""
        (self._features / kind / f"{shard}{SUFFIX}").unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed process left half written."""
        sweep_leftovers(self._pairs, 0.0)
        for folder in self._features.glob("*"):
            sweep_leftovers(folder, 0.0)

    def _numbers(self) -> set[int]:
        found: set[int] = set()
        for shard in self._read_shards().values():
            found |= {each.number for each in shard.pairs} | set(shard.dropped)
        return found

    def _read_shards(self) -> dict[str, _Shard]:
        """Look what is there; a damaged shard is put aside, and its pairs are made again."""
        try:
            changed_at = self._pairs.stat().st_mtime_ns
        except OSError:
            return self._shards
        if changed_at != self._changed_at:
            there = {path.stem: path for path in self._pairs.glob(f"*{SUFFIX}")}
            self._shards = {name: each for name, each in self._shards.items() if name in there}
            for name in sorted(there.keys() - self._shards.keys()):
                try:
                    self._shards[name] = _shard(name, read_facts(there[name]))
                except (StorageError, KeyError, TypeError, ValueError, AttributeError):
                    there[name].replace(there[name].with_suffix(ASIDE))
            self._changed_at = changed_at
        return self._shards


def _shard(name: str, facts: Mapping[str, Any]) -> _Shard:
    pairs = tuple(
        PairFacts(
            int(each["number"]),
            str(each["text"]),
            str(each["voice"]),
            float(each["seconds"]),
            int(each["tokens"]),
        )
        for each in facts["pairs"]
    )
    dropped = {int(number): str(why) for number, why in facts["dropped"].items()}
    return _Shard(name, pairs, dropped)


def _to_16_bits(waveform: np.ndarray) -> np.ndarray:
    """Sound as files have it: what is learned from is the same before and after a restart."""
    samples: np.ndarray = np.round(np.clip(waveform, -1, 1) * LOUDEST).astype(np.int16)
    return samples
