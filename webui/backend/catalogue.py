"""The model families that can be downloaded: where they are, what they weigh, their licence.

What cloning downloads is described by entries of the same kind, in `cloning_catalogue`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from webui.errors import FamilyNotFoundError

BARK_LANGUAGES = (
    "en", "de", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh",
)  # fmt: skip
_SETTINGS = ("config.json", "generation_config.json")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_VOICES = ("speaker_embeddings_path.json", "speaker_embeddings/*.npy")


@dataclass(frozen=True)
class CatalogueEntry:
    """One family, or one part of cloning, on the hub.

    The hub's listing names each file's size and hash; what `sha256` pins here must agree with it.
    With `is_release` the files are attached to a release on GitHub instead, whose tag is the
    revision: there `sha256` names the files and their hashes.
    """

    id: str
    title: str
    repo: str
    revision: str
    licence: str
    licence_url: str
    about_bytes: int  # shown before the hub was asked
    needed: tuple[str, ...] = _SETTINGS
    wanted: tuple[str, ...] = (*_TOKENIZER, *_VOICES)  # taken where the hub has them
    weights: tuple[str, ...] = ("model.safetensors", "pytorch_model.bin")  # the first that is there
    any_of: tuple[str, ...] = ("vocab.txt", "tokenizer.json")  # one of them must be there
    languages: tuple[str, ...] = BARK_LANGUAGES
    sha256: Mapping[str, str] = field(default_factory=dict)
    is_release: bool = False

    def choose(self, names: list[str]) -> list[str]:
        """Pick the files of this entry from all files of its repository.

        Raises:
            FamilyNotFoundError: a file is missing that the entry cannot do without.
        """
        weights = next((name for name in self.weights if name in names), None)
        missing = [name for name in self.needed if name not in names]
        if self.any_of and not set(self.any_of) & set(names):
            missing.append(self.any_of[0])
        if weights is None or missing:
            raise FamilyNotFoundError(
                f"{self.repo} no longer holds {missing[0] if missing else self.weights[-1]}, so "
                f"{self.title} cannot be downloaded. Update the app, or copy the files yourself."
            )
        patterns = (*self.needed, *self.wanted, weights)
        return [name for name in names if any(fnmatchcase(name, each) for each in patterns)]


# The hashes come from the hub's own listing of the revision: nothing is pinned here yet.
CATALOGUE: Mapping[str, CatalogueEntry] = {
    entry.id: entry
    for entry in (
        CatalogueEntry(
            id="bark-small",
            title="Bark small",
            repo="suno/bark-small",
            revision="main",
            licence="MIT",
            licence_url="https://huggingface.co/suno/bark-small",
            about_bytes=1_700_000_000,
        ),
        CatalogueEntry(
            id="bark",
            title="Bark",
            repo="suno/bark",
            revision="main",
            licence="MIT",
            licence_url="https://huggingface.co/suno/bark",
            about_bytes=4_500_000_000,
        ),
    )
}


def catalogue_entry(family: str) -> CatalogueEntry:
    """Find a family by its name.

    Raises:
        FamilyNotFoundError: it cannot be downloaded.
    """
    if family not in CATALOGUE:
        raise FamilyNotFoundError(
            f'There is no model family "{family[:64]}" to download. '
            f"There are {' and '.join(CATALOGUE)}."
        )
    return CATALOGUE[family]
