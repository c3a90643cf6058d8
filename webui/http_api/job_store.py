"""Long texts that are spoken while nobody waits: what happened, and the sound so far."""

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from webui.arrays import Waveform
from webui.audio.writing import as_samples
from webui.errors import StorageError
from webui.events import AudioChunk, CancelToken, Event, Progress
from webui.http_api.errors import ApiError, as_api_error
from webui.longform.subtitles import Cue

MAX_KEPT = 32  # jobs that have ended
MAX_KEPT_BYTES = 2 * 2**30  # of their sound
KEPT_SECONDS = 24 * 3_600.0
TOLD_EVERY_SECONDS = 0.5
BYTES_OF_SAMPLE = 2
State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
Speaking = Callable[[CancelToken], Iterator[Event]]


@dataclass(eq=False)
class Job:
    """One long text. `events` only grows, so that whoever comes late reads it from the start."""

    id: str
    file: Path  # the sound: raw samples of 16 bit
    recipe: dict[str, Any]
    token: CancelToken = field(default_factory=CancelToken)
    created: float = field(default_factory=time.time)
    ended: float | None = None  # by time.monotonic
    state: State = "queued"
    progress: Progress = field(default_factory=lambda: Progress("queued", 0.0))
    rate: int = 0
    samples: int = 0
    cues: list[Cue] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None

    @property
    def seconds(self) -> float:
        """How much was spoken."""
        return self.samples / self.rate if self.rate else 0.0

    def as_json(self) -> dict[str, Any]:
        """How it is now."""
        is_ended = self.state in ENDED
        return {
            "id": self.id,
            "object": "audio.speech.job",
            "status": self.state,
            "created_at": int(self.created),
            "model": self.recipe["family"],
            "voice": self.recipe["voice"],
            "seed": self.recipe["seed"],
            "characters": len(self.recipe["text"]),
            "stage": "" if is_ended else self.progress.stage,
            "fraction": 1.0 if self.state == "done" else round(self.progress.fraction, 4),
            "seconds_left": None if is_ended else self.progress.seconds_left,
            "seconds": round(self.seconds, 3),
            "error": self.error,
        }

    def sound(self) -> Waveform:
        """Read what was spoken so far.

        Raises:
            StorageError: its file is gone.
        """
        try:
            samples = np.fromfile(self.file, "<i2")
        except OSError as fault:
            raise StorageError("The sound of this job is no longer there.") from fault
        return samples.astype(np.float32) / np.float32(32_767)


class JobStore:
    """All jobs by their random ids; those that have ended go after a day, or when they are many.

    Args:
        folder: for their sound; it goes with the app.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, recipe: dict[str, Any], speaking: Speaking, leave: Callable[[], None]) -> Job:
        """Begin a job in a thread of its own.

        Args:
            recipe: what is spoken.
            speaking: the events; a bad end is raised.
            leave: called when the work has truly ended.

        Raises:
            StorageError: its sound cannot be kept.
        """
        job_id = f"job_{secrets.token_hex(16)}"
        job = Job(job_id, self._folder / f"{job_id}.pcm", recipe)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            job.file.touch()
        except OSError as fault:
            leave()
            raise StorageError(f"The sound cannot be kept: {fault.strerror}.") from fault
        with self._lock:
            self._jobs[job.id] = job
        self._sweep()
        work = (job, speaking, leave)
        threading.Thread(target=_run, args=work, name="http job", daemon=True).start()
        return job

    def find(self, job_id: str) -> Job:
        """One job by its id.

        Raises:
            ApiError: it is gone, or never was.
        """
        self._sweep()
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise ApiError(404, "There is no such job; results go after a day.", "job_not_found")
        return job

    def remove(self, job: Job) -> None:
        """Stop a job and forget it with its sound."""
        job.token.cancel()
        with self._lock:
            self._jobs.pop(job.id, None)
        job.file.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop all jobs and remove their sound."""
        with self._lock:
            jobs = list(self._jobs.values())
            self._jobs.clear()
        for job in jobs:
            job.token.cancel()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Forget what is too old or too much, the oldest first."""
        now = time.monotonic()
        with self._lock:
            over = [each for each in self._jobs.values() if each.ended is not None]
            over.sort(key=lambda each: -(each.ended or 0))
            kept_bytes = 0
            dropped = []
            for number, job in enumerate(over):
                kept_bytes += job.samples * BYTES_OF_SAMPLE
                is_old = now - (job.ended or 0) > KEPT_SECONDS
                if is_old or number >= MAX_KEPT or (number and kept_bytes > MAX_KEPT_BYTES):
                    dropped.append(job)
        for job in dropped:
            self.remove(job)


def _run(job: Job, speaking: Speaking, leave: Callable[[], None]) -> None:
    """Follow a speech to its end, and write down what happens."""
    told_at = 0.0
    state: State = "done"
    try:
        for event in speaking(job.token):
            job.state = "running"
            if isinstance(event, AudioChunk):
                _keep(job, event)
            elif isinstance(event, Progress):
                is_news = (event.stage, event.chunk) != (job.progress.stage, job.progress.chunk)
                job.progress = event
                if is_news or time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                    told_at = time.monotonic()
                    job.events.append({"type": "progress"} | job.as_json())
    except Exception as fault:  # noqa: BLE001  nobody waits: it is told when somebody asks
        state = "cancelled" if job.token.cancelled else "failed"
        if state == "failed":
            job.error = as_api_error(fault).body()["error"]
    finally:
        leave()
    job.ended = time.monotonic()
    job.state = state
    job.events.append({"type": state} | job.as_json())


def _keep(job: Job, chunk: AudioChunk) -> None:
    """Add a chunk to the sound.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        with job.file.open("r+b") as file:
            file.seek(0, 2)
            file.write(as_samples(chunk.waveform).tobytes())
    except OSError as fault:
        if job.token.cancelled:
            return  # it was removed meanwhile
        raise StorageError(f"The sound cannot be kept: {fault.strerror}.") from fault
    job.rate = chunk.sample_rate
    start = job.seconds
    job.samples += len(chunk.waveform)
    job.cues.append(Cue(start, job.seconds, chunk.text))
    said = {"index": chunk.index, "chunks": chunk.chunks, "text": chunk.text}
    job.events.append({"type": "chunk", "start": start, "end": job.seconds} | said)
