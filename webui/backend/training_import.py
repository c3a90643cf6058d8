"""Pairs that others made, read into a training of one's own: folders and zips, piece by piece."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from webui.backend.pair_store import PairStore
from webui.errors import StorageError, TrainingError
from webui.events import CancelToken, Event, Progress
from webui.family import FamilyConfig
from webui.file_saving import storage_error
from webui.speaker_archive import read_regular_file
from webui.training_results import PairDropped, PairMade, PairsRead

PAIRS_A_SHARD = 8
MAX_FILE_BYTES = 2**24
MAX_FILES = 200_000


class FolderFiles(Mapping[str, bytes]):
    """The plain files of a folder by their names, each read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Look what there is.

        Raises:
            TrainingError: there are too many files.
            StorageError: it cannot be looked into.
        """
        try:
            self._paths = {each.name: each for each in folder.iterdir()}
        except OSError as fault:
            raise storage_error(fault, folder) from fault
        if len(self._paths) > MAX_FILES:
            raise TrainingError(f"{folder.name} holds too many files. Take a part of them.")

    def __getitem__(self, name: str) -> bytes:
        return read_regular_file(self._paths[name], MAX_FILE_BYTES)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def import_pairs(
    store: PairStore, sources: Sequence[Path], config: FamilyConfig, cancel: CancelToken
) -> Iterator[Event]:
    """Read folders and zips into a store; tells in the end what was read and what was dropped.

    Raises:
        TrainingError: a source is neither a folder nor a zip, or nothing usable was in them.
        CheckpointError: there are no pairs in it, or they are of another family.
        StorageError: it cannot be read, or the pairs cannot be written.
    """
    number = 0
    for source in sources:
        piece: list[PairMade | PairDropped] = []
        for each in _pairs(source, config, number):
            piece.append(each)
            number = each.number + 1
            if len(piece) == PAIRS_A_SHARD:
                _keep(store, piece)
                piece = []
                yield Progress("pairs", 0.0, message=f"{number} pairs of {source.name} are read")
            if cancel.cancelled:
                break
        _keep(store, piece)
    if not store.facts() and not cancel.cancelled:
        raise TrainingError("Nothing usable was in these files: every pair was dropped.")
    if not cancel.cancelled:
        yield PairsRead(len(store.facts()), store.dropped())


def _pairs(source: Path, config: FamilyConfig, first: int) -> Iterator[PairMade | PairDropped]:
    from webui.training.published_pairs import pairs_in_files, pairs_in_zip

    family = config.semantic.rate_hz, config.semantic.vocabulary
    if source.is_dir():
        yield from pairs_in_files(FolderFiles(source), *family, first)
        return
    if not source.is_file():
        raise TrainingError(f'"{source.name}" is neither a folder nor a zip of pairs.')
    try:
        with source.open("rb") as file:
            yield from pairs_in_zip(file, *family, first)
    except OSError as fault:
        raise StorageError(f'"{source.name}" cannot be read: {fault.strerror}.') from fault


def _keep(store: PairStore, piece: Sequence[PairMade | PairDropped]) -> None:
    made = [each for each in piece if isinstance(each, PairMade)]
    store.add(made, [each for each in piece if isinstance(each, PairDropped)])
