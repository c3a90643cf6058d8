"""A studio over the scripted service, without a browser."""

import pytest

from tests.fake_service import FakeService
from webui.settings import Settings
from webui.ui.studio import Studio, open_studio


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        outputs_dir=tmp_path / "kept", models_dir=tmp_path / "models", max_text_characters=200
    )


@pytest.fixture
def service(settings) -> FakeService:
    return FakeService(settings)


@pytest.fixture
def studio(service, settings, tmp_path) -> Studio:
    return open_studio(service, settings, tmp_path / "takes")
