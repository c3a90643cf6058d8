"""What is kept of a job on disk beside its sounds: what was asked, by whom, and how it ended."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from webui.errors import StorageError
from webui.file_saving import remove_folder, save_file, sweep_leftovers

FILE = "job.json"
JOB_ID = re.compile(r"job_[0-9a-f]{32}")
FOLDER = re.compile(r"job-[0-9a-f]{32}-[0-9a-f]{8}")
MAX_BYTES = 2**27
STRAY_SECONDS = 3_600.0  # a folder without the file is left alone so long: it may be just begun
State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass
class JobFacts:
    """All of a job that outlasts the app.

    On disk it is `queued` until it ends. `tries` counts how often it went on by itself since
    `tried_with` of its cards were spoken.
    """

    id: str
    recipe: dict[str, Any]
    is_owners: bool
    created: float  # by time.time
    state: State = "queued"
    ended: float | None = None  # by time.time
    error: dict[str, Any] | None = None
    tries: int = 0
    tried_with: int = 0

    def save(self, folder: Path) -> None:
        """Write it into the folder of the job's sounds.

        Raises:
            StorageError: it cannot be written.
        """
        save_file(folder / FILE, json.dumps(asdict(self)).encode(), replace=True)


def known_jobs(root: Path) -> Iterator[tuple[Path, JobFacts]]:
    """Find the jobs below a folder; what is none is left out, and removed when it is old."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if not FOLDER.fullmatch(folder.name) or folder.is_symlink():
            continue
        try:
            yield folder, _read(folder)
            sweep_leftovers(folder)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            with contextlib.suppress(OSError, StorageError):
                if time.time() - folder.stat().st_mtime > STRAY_SECONDS:
                    remove_folder(folder, FILE)


def _read(folder: Path) -> JobFacts:
    """Read one job.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is damaged.
        KeyError: something is missing.
        TypeError: something is of another kind.
    """
    file = folder / FILE
    if file.stat().st_size > MAX_BYTES:
        raise ValueError("too large")
    facts = JobFacts(**json.loads(file.read_text("utf-8")))
    recipe = facts.recipe
    if not JOB_ID.fullmatch(facts.id) or not folder.name.startswith(facts.id.replace("_", "-")):
        raise ValueError("another job's")
    if facts.state not in get_args(State) or not isinstance(facts.is_owners, bool):
        raise ValueError("no state")
    texts = (recipe["text"], recipe["family"], recipe["voice"] or "")
    numbers = (
        facts.created, facts.ended or 0.0, facts.tries, facts.tried_with,
        recipe["seed"], recipe.get("speed", 1.0),
    )  # fmt: skip
    if not all(isinstance(each, str) for each in texts):
        raise TypeError("no text")
    if not all(isinstance(each, int | float) for each in numbers):
        raise TypeError("no number")
    if not isinstance(facts.error, dict | None):
        raise TypeError("no error")
    return facts
