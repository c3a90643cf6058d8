"""Our process on a cluster's device: takes requests, keeps what it tells until that is fetched."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webui.backend.engine_process import work_for
from webui.errors import EngineError
from webui.settings import Settings, load_settings

if TYPE_CHECKING:
    from webui.backend.worker import Worker

Message = tuple[Any, ...]  # as `engine_process.work_for` says
PATIENCE_SECONDS = 5.0  # an answer that tells of nothing new comes after so long
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Post:
    """Where an actor works: its node's name, its processors, and the code it shall have.

    `processors` 0 leaves the number of threads to the settings.
    """

    node: str
    processors: int
    code: str


class RayActor:
    """Computes in a thread of its own; Ray calls the two methods, each one call at a time."""

    def __init__(
        self,
        settings: Settings,
        make_worker: "Callable[[Settings], Worker] | None",
        post: Post,
    ) -> None:
        self._line = _Line()

        def make(given: Settings) -> "Worker":
            check_code(post)
            if make_worker is not None:
                return make_worker(given)
            from webui.backend.worker import Worker

            return Worker(given)

        work = (self._line, settings_here(settings, post.processors), make)
        threading.Thread(target=work_for, args=work, name="work", daemon=True).start()

    def tell(self, message: bytes) -> None:
        """Take a message of the engine."""
        self._line.inbox.put(unpacked(message))

    def hear(self) -> bytes:
        """Give all that was told since the last call; wait a while for the first of it."""
        return packed(self._line.collected())


class _Line:
    """The worker's end: two queues instead of a pipe."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def send(self, message: Message, /) -> None:
        """Keep a message for the engine."""
        self._outbox.put(message)

    def recv(self) -> Message:
        """Wait for the engine's next message."""
        return self.inbox.get()

    def collected(self) -> list[Message]:
        """Take everything out of the outbox."""
        messages = []
        try:
            messages.append(self._outbox.get(timeout=PATIENCE_SECONDS))
            while True:
                messages.append(self._outbox.get_nowait())
        except queue.Empty:
            return messages


def packed(content: object) -> bytes:
    """Write a message as the pipe of the local engine does.

    Ray's own way gives arrays that cannot be written to, which the same code on one machine never
    sees.
    """
    return bytes(ForkingPickler.dumps(content))


def unpacked(content: bytes) -> Any:  # noqa: ANN401  (whatever was packed)
    """Read what `packed` wrote; it comes from a process that runs our code anyway."""
    return ForkingPickler.loads(content)


def settings_here(settings: Settings, processors: int = 0) -> Settings:
    """Turn the front end's settings into those of this node.

    Families lie where the node's own environment says; else where they lie at the front end, if
    that folder is here too; else in the folder `models` of this node's copy of the app.
    """
    own, default = load_settings().models_dir, Settings().models_dir
    is_shared = own == default and settings.models_dir.is_dir()
    return replace(
        settings,
        models_dir=settings.models_dir if is_shared else own,
        threads=processors or settings.threads,
        ray=None,
    )


def code_digest(package: Path = PACKAGE) -> str:
    """A fingerprint of the app's source, the same wherever it is unpacked."""
    digest = sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def check_code(post: Post) -> None:
    """Refuse to work beside a front end of another version.

    Raises:
        EngineError: this node has other source files.
    """
    if post.code != code_digest():
        raise EngineError(
            f'The node "{post.node}" has another version of the app ({PACKAGE}). Bring both to the '
            "same version, then start its part of the cluster again."
        )
