"""Which families lie in the models folders: names looked up in a list, never joined into paths."""

from dataclasses import dataclass
from pathlib import Path

from webui.errors import FamilyNotFoundError
from webui.family import SUNO_FILES

PREFERRED = ("bark", "bark-small")  # when nobody chose; after them what is no demonstration
FALLBACK = "mini"


@dataclass(frozen=True)
class FamilyFolders:
    """The folders whose subfolders are families; the first that has a name wins."""

    roots: tuple[Path, ...]

    def all(self) -> dict[str, Path]:
        """Every folder that looks like a family, by its id."""
        found: dict[str, Path] = {}
        for root in self.roots:
            for folder in sorted(root.iterdir()) if root.is_dir() else ():
                if not folder.name.startswith(".") and _looks_like_family(folder):
                    found.setdefault(folder.name, folder)
        return found

    def find(self, family: str) -> Path:
        """Give a family's folder.

        Raises:
            FamilyNotFoundError: none has this name.
        """
        folder = self.all().get(family)
        if folder is None:
            raise FamilyNotFoundError(
                f'The model family "{family[:64]}" is not here. Download it, or copy its folder '
                f"into {self.roots[0]}."
            )
        return folder


def best_family(installed: tuple[str, ...], demos: frozenset[str] = frozenset()) -> str:
    """Choose the family that speaks when nobody said which."""
    real = sorted(set(installed) - demos)
    ranked = [name for name in PREFERRED if name in real] + real + sorted(installed)
    return ranked[0] if ranked else FALLBACK


def _looks_like_family(folder: Path) -> bool:
    names = ("config.json", *SUNO_FILES["semantic"])
    return folder.is_dir() and any((folder / name).is_file() for name in names)
