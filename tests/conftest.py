"""What all tests share: shapes checked at run time, an order, and one tiny family."""

import gc
from collections import Counter
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

import tests.checking  # noqa: F401  (the hook looks it up by name)
import webui.synthesis.scripted  # noqa: F401  (before the hook: TorchScript reads its source as it is)

hook = install_import_hook("webui", "tests.checking.checked")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers share the files, begin with those that hold slow tests.

    Else one worker has a long file left at the end, and the others nothing.
    """
    if hasattr(config, "workerinput"):
        slow = Counter(each.path for each in items if each.get_closest_marker("slow"))
        items.sort(key=lambda each: -slow[each.path])


def pytest_collection_finish() -> None:
    """Spare the search for garbage what the imports have made: it is a million things and stays.

    Who gives the memory of a family back has all of it searched, and so does Python now and then.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `models/tiny` with a complete family of random weights."""
    from tests.tiny_family import make_tiny_family

    return make_tiny_family(tmp_path_factory.mktemp("models") / "tiny")
