"""A studio over the scripted service, without a browser."""

import asyncio

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


@pytest.fixture(autouse=True)
def no_loop_is_left_behind(monkeypatch):
    """Gradio makes event loops for its locks while it builds a page and never closes them."""
    made = []
    make = asyncio.new_event_loop

    def remembered():
        made.append(make())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", remembered)
    yield
    for loop in made:
        loop.close()
