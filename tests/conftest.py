"""What all tests share: shapes checked at run time, and one tiny family."""

from pathlib import Path

import pytest
from jaxtyping import install_import_hook

hook = install_import_hook("webui", "beartype.beartype")


@pytest.fixture(scope="session")
def tiny_family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `models/tiny` with a complete family of random weights."""
    from tests.tiny_family import make_tiny_family

    return make_tiny_family(tmp_path_factory.mktemp("models") / "tiny")
