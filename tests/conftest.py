"""What all tests share: shapes checked at run time, and one tiny family."""

from pathlib import Path

import pytest
from jaxtyping import install_import_hook

import tests.checking  # noqa: F401  (the hook looks it up by name)
import webui.synthesis.scripted  # noqa: F401  (before the hook: TorchScript reads its source as it is)

hook = install_import_hook("webui", "tests.checking.checked")


@pytest.fixture(scope="session")
def tiny_family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `models/tiny` with a complete family of random weights."""
    from tests.tiny_family import make_tiny_family

    return make_tiny_family(tmp_path_factory.mktemp("models") / "tiny")
