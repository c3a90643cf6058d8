"""A Ray cluster: its devices, and processes of ours on them. The only module that knows ray."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from webui.backend.ray_actor import Message, Post, RayActor, code_digest, packed, unpacked
from webui.errors import EngineError, SettingsError
from webui.settings import Settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker

PROCESSORS_EACH = 4  # of a node without a graphics card, unless --threads says otherwise
NOT_INSTALLED = "Ray is not installed. Run ./install.sh --with ray, or start without --ray."
HOW_TO_START = (
    "Start one in the app's folder with: .venv/bin/ray start --head --disable-usage-stats "
    "--include-dashboard=false"
)


class ActorGoneError(Exception):
    """An actor's process has ended, or cannot be reached any more."""


@dataclass(frozen=True)
class Place:
    """One device of the cluster: a graphics card, or some processors of a node without one."""

    node: str  # Ray's number of the node
    node_name: str
    kind: Literal["gpu", "cpu"]
    number: int  # on its node, from 0
    processors: int


class Actor:
    """One process of ours in the cluster, from this side. For one listening thread."""

    def __init__(self, handle: Any) -> None:  # noqa: ANN401  (ray's types are not looked into)
        self._handle = handle
        self._heard: Any = None

    def tell(self, *message: object) -> None:
        """Send a message; whether it arrived is seen by listening."""
        self._handle.tell.options(concurrency_group="tell").remote(packed(message))

    def hear(self, seconds: float) -> list[Message]:
        """Wait so long for what it has to tell.

        Raises:
            ActorGoneError: it has ended, and what it has not told is lost.
        """
        import ray

        if self._heard is None:
            self._heard = self._ask()
        try:
            ready, _ = ray.wait([self._heard], timeout=seconds)
            if not ready:
                return []
            answer, self._heard = ray.get(self._heard), self._ask()
        except ray.exceptions.RayError as fault:
            raise ActorGoneError(type(fault).__name__) from fault
        messages: list[Message] = unpacked(answer)
        return messages

    def end(self) -> None:
        """End the process, whatever it does. Ending it again changes nothing."""
        import ray

        if ray.is_initialized():
            ray.kill(self._handle)

    def _ask(self) -> Any:  # noqa: ANN401  (a promise of ray)
        return self._handle.hear.options(concurrency_group="hear").remote()


class Cluster:
    """The cluster that this process has joined."""

    def __init__(self, settings: Settings, has_joined: bool) -> None:
        self._settings = settings
        self._has_joined = has_joined  # and so leaves it in the end

    def places(self) -> tuple[Place, ...]:
        """Give the devices of all nodes that are alive: graphics cards where there are any."""
        import ray

        nodes = [each for each in ray.nodes() if each["Alive"]]
        wanted = self._settings.device
        cards = [place for node in nodes for place in _cards(node)]
        if wanted != "cpu" and (cards or wanted.startswith("cuda")):
            return tuple(cards)
        each = self._settings.threads or PROCESSORS_EACH
        return tuple(place for node in nodes for place in _processors(node, each))

    def start(
        self, place: Place, make_worker: "Callable[[Settings], Worker] | None" = None
    ) -> Actor:
        """Start a process on a device; this does not wait until it is there."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        on_card = place.kind == "gpu"
        settings, post = self._settings, Post(place.node_name, place.processors, code_digest())
        if on_card:  # Ray shows a process only the card that it lends
            settings = replace(settings, device="cuda")
        remote = ray.remote(concurrency_groups={"tell": 1, "hear": 1})(RayActor)
        strategy = NodeAffinitySchedulingStrategy(place.node, soft=False)
        handle = remote.options(
            num_gpus=1 if on_card else 0,
            num_cpus=0 if on_card else place.processors,
            scheduling_strategy=strategy,
        ).remote(settings, make_worker, post)
        return Actor(handle)

    def leave(self) -> None:
        """Leave the cluster, if it was joined for this engine."""
        import ray

        if self._has_joined and ray.is_initialized():
            ray.shutdown()


def require_ray() -> None:
    """See that Ray is installed; it is not imported.

    Raises:
        SettingsError: it is not.
    """
    if find_spec("ray") is None:
        raise SettingsError(NOT_INSTALLED)


def join(settings: Settings) -> Cluster:
    """Join the cluster that the settings name; in a process that is in one already, use that.

    Raises:
        SettingsError: Ray is not installed.
        EngineError: there is no cluster, or it does not take us.
    """
    require_ray()
    address = settings.ray or "auto"
    with _own_signals():
        import ray

        if ray.is_initialized():
            return Cluster(settings, has_joined=False)
        try:
            ray.init(
                address=address,
                namespace="bark-voice-studio",
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, TimeoutError) as fault:
            raise EngineError(_no_cluster(address)) from fault
        except Exception as fault:  # whatever Ray says of versions, tokens and addresses
            words = " ".join(str(fault).split())[:200]
            raise EngineError(
                f"The Ray cluster ({address}) does not take this machine in: {words} "
                "docs/cluster.md says how machines join."
            ) from fault
    return Cluster(settings, has_joined=True)


def _no_cluster(address: str) -> str:
    if address == "auto":
        return f"No Ray cluster runs on this machine. {HOW_TO_START}"
    return (
        f"There is no Ray cluster at {address}, or this machine has not joined it. Join it with: "
        f".venv/bin/ray start --disable-usage-stats --address={address}"
    )


def _cards(node: dict[str, Any]) -> Iterator[Place]:
    for number in range(int(node["Resources"].get("GPU", 0))):
        yield Place(node["NodeID"], _name(node), "gpu", number, 0)


def _processors(node: dict[str, Any], each: int) -> Iterator[Place]:
    """Share a node's processors out; a node with fewer than are wanted is one device."""
    there = int(node["Resources"].get("CPU", 0))
    for number in range(max(1, there // each) if there else 0):
        yield Place(node["NodeID"], _name(node), "cpu", number, min(each, there))


def _name(node: dict[str, Any]) -> str:
    name, address = node["NodeManagerHostname"], node["NodeManagerAddress"]
    return f"{name} ({address})" if name != address else str(name)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what this process does when it is told to end: Ray would take that over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
