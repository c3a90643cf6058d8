"""A small Ray cluster of this machine, as long as the tests of one process need it."""

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from bench.local_cluster import close_ray, local_cluster
from webui.backend.engine import Engine
from webui.settings import Settings

PROCESSORS = 16  # in name only: so many small jobs may be there at once
STORE_BYTES = 100 * 2**20

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is an extra: ./install.sh --with ray"
)
slowly = pytest.mark.timeout(300)  # a cluster and its processes take their time to start
RAY = pytest.param("ray", marks=[needs_ray, slowly, pytest.mark.slow])


@contextmanager
def quiet_ray() -> Iterator[None]:
    """Keep Ray quiet and closed, and its warnings from being errors."""
    close_ray()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="ray")
        warnings.filterwarnings("ignore", category=ResourceWarning)
        yield


@contextmanager
def small_cluster(processors: int = PROCESSORS) -> Iterator[None]:
    with quiet_ray(), local_cluster(processors, STORE_BYTES):
        yield


def ray_engine(
    settings: Settings, make_worker: Callable | None = None, devices: int | None = 1
) -> Engine:
    """An engine with one processor for each device, in the cluster that is running."""
    from webui.backend.ray_engine import RayEngine

    chosen = replace(settings, ray="auto", threads=1, device="cpu")
    return RayEngine(chosen, make_worker, most_devices=devices)
