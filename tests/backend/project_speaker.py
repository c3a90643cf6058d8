"""A process of its own that speaks a long text slowly, and says what it begins."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.backend.project_stock import stock
from tests.backend.talking_engine import TalkingEngine
from webui.backend.project_desk import ProjectDesk
from webui.backend.requests import SpeakRequest
from webui.events import CancelToken, Event


class SlowEngine(TalkingEngine):
    """Says on standard output what it begins, then takes a while."""

    def run(self, request: SpeakRequest, cancel: CancelToken | None = None) -> Iterator[Event]:
        sys.stdout.write(f"{request.text}\n")
        sys.stdout.flush()
        time.sleep(0.01)
        yield from super().run(request, cancel)


if __name__ == "__main__":
    desk = ProjectDesk(Path(sys.argv[1]), SlowEngine(), stock())
    for _ in desk.render(sys.argv[2]):
        pass
