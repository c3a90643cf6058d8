"""A process of its own that speaks a job slowly, or goes on with the one that it finds."""

import sys
import time
from pathlib import Path

from tests.backend.project_speaker import SlowEngine
from tests.backend.project_stock import stock
from tests.backend.talking_engine import TalkingEngine
from webui.backend.project_desk import ProjectDesk
from webui.backend.requests import SpeakOrder
from webui.backend.speech_recipe import SpeechRecipe
from webui.http_api.job import Job
from webui.http_api.job_store import JobStore
from webui.synthesis.controls import SpeechControls

TEXT = "\n\n".join(f"Sentence number {number} is here." for number in range(12))


def store_in(folder: Path, engine: TalkingEngine) -> JobStore:
    """The jobs of a folder."""
    return JobStore(folder, ProjectDesk(folder, engine, stock()))


def begin(store: JobStore, text: str, is_owners: bool = True) -> Job:
    """Start a job with a voice of the test's own."""
    controls = SpeechControls(seed=7)
    recipe = SpeechRecipe(text, "mini", "a", controls, "en").to_json()
    order = SpeakOrder(text, "mini", "a", controls, "en")
    return store.start(order, recipe, is_owners, lambda: None)


if __name__ == "__main__":
    jobs = store_in(Path(sys.argv[1]), SlowEngine())
    if jobs._jobs:
        jobs.go_on(lambda: lambda: None)
    else:
        begin(jobs, TEXT)
    time.sleep(60)
