"""A small Ray cluster of this machine, as long as the tests of one process need it."""

import importlib.util
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

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
    """Keep Ray from telling its makers, from strangers, and its warnings from being errors.

    The token keeps strangers out: Ray's servers listen on all interfaces. Without one, Ray would
    write one into the home folder.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  (so Ray spells it)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="ray")
        warnings.filterwarnings("ignore", category=ResourceWarning)
        yield


@contextmanager
def small_cluster(processors: int = PROCESSORS) -> Iterator[None]:
    with quiet_ray():
        import ray

        ray.init(
            num_cpus=processors,
            num_gpus=0,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            log_to_driver=False,
            logging_level="ERROR",
        )
        try:
            yield
        finally:
            ray.shutdown()


def ray_engine(
    settings: Settings, make_worker: Callable | None = None, devices: int | None = 1
) -> Engine:
    """An engine with one processor for each device, in the cluster that is running."""
    from webui.backend.ray_engine import RayEngine

    chosen = replace(settings, ray="auto", threads=1, device="cpu")
    return RayEngine(chosen, make_worker, most_devices=devices)
