"""Folders of families and voices without weights, and a service over them that computes nothing."""

import threading
from collections.abc import Iterator

import pytest

from tests.backend.family_files import add_suno, add_tiny
from tests.backend.scripted_engine import ScriptedEngine
from tests.backend.small_cluster import small_cluster
from webui.backend import downloads as downloads_module
from webui.backend.family_folders import FamilyFolders
from webui.backend.service import Service
from webui.backend.speaker_library import SpeakerLibrary
from webui.events import Cancelled, Done, Event, Progress
from webui.settings import Settings


@pytest.fixture(scope="module")
def ray_here():
    """A Ray cluster in this process, for the tests of one file that compute on one.

    A process can be in one cluster only, so it ends before the next file begins.
    """
    with small_cluster():
        yield


@pytest.fixture
def models(tmp_path):
    """Two families: the tiny one, and one with Bark's numbers."""
    add_tiny(tmp_path / "models", "tiny")
    add_suno(tmp_path / "models", "bark-small")
    return tmp_path / "models"


@pytest.fixture
def own(tmp_path):
    (tmp_path / "speakers").mkdir()
    return tmp_path / "speakers"


@pytest.fixture
def library(models, own):
    return SpeakerLibrary(own, FamilyFolders((models,)))


@pytest.fixture
def engine():
    return ScriptedEngine()


@pytest.fixture
def settings(models, own, tmp_path, monkeypatch) -> Settings:
    builtin = add_tiny(tmp_path / "builtin", "mini", title="Mini", demo=True).parent
    monkeypatch.setattr(Settings, "builtin_models_dir", property(lambda settings: builtin))
    return Settings(models_dir=models, speakers_dir=own)


@pytest.fixture
def service(settings, engine):
    made = Service(settings, engine)
    yield made
    made.close()


@pytest.fixture
def download(monkeypatch):
    """A download that says it is half done and waits until the test lets it end."""
    go_on = threading.Event()

    def half_done(family: str, *others: object) -> Iterator[Event]:
        yield Progress("download", 0.5)
        go_on.wait(60)
        yield Cancelled() if others[-1].cancelled else Done()

    monkeypatch.setattr(downloads_module, "download_family", half_done)
    yield go_on
    go_on.set()
