"""A Ray cluster of this machine alone, closed to everybody else, for benches and tests."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager


def close_ray() -> None:
    """Keep Ray from telling its makers, and strangers out; its processes run as others do.

    Ray's servers listen on all interfaces, so there is a token. Without one in the environment, Ray
    would write one into the home folder.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  (so Ray spells it)


@contextmanager
def local_cluster(processors: int, store_bytes: int) -> Iterator[None]:
    """Start Ray with so many processors in name, and stop it in the end.

    It is a cluster of its own even where another process of this machine has one.
    """
    close_ray()
    import ray

    ray.init(
        address="local",
        num_cpus=processors,
        num_gpus=0,
        include_dashboard=False,
        object_store_memory=store_bytes,
        log_to_driver=False,
        logging_level="ERROR",
    )
    try:
        yield
    finally:
        ray.shutdown()
