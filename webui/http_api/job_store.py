"""Long texts that are spoken while nobody waits; they outlast the app, sentence by sentence."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from webui.arrays import Waveform
from webui.backend.engine import error_of
from webui.backend.project_facts import SpokenCard
from webui.backend.project_store import IN_USE
from webui.backend.requests import SpeakOrder
from webui.errors import EngineError, ProjectError, StorageError, TextError, UserError
from webui.events import AudioChunk, Cancelled, Failed, Progress
from webui.file_saving import folder_bytes
from webui.http_api.errors import ApiError, as_api_error
from webui.http_api.job import Job, cards_of, to_speak
from webui.http_api.job_files import FILE, JobFacts, State, known_jobs
from webui.http_api.port import JobTexts
from webui.synthesis.tempo import change_tempo

MAX_KEPT = 32  # jobs that have ended
MAX_KEPT_BYTES = 2 * 2**30  # of their files
KEPT_SECONDS = 24 * 3_600.0
MOST_TRIES = 2  # a job goes on by itself after so many restarts in a row that gave no sentence
TOLD_EVERY_SECONDS = 0.5
FAREWELL_SECONDS = 10.0
Leave = Callable[[], None]


class JobStore:
    """All jobs by their random ids; those that have ended go after a day, or when they are many.

    Args:
        root: the folder of their texts and sounds.
        texts: the desk of this folder; it is closed with the store.
    """

    def __init__(self, root: Path, texts: JobTexts) -> None:
        self._root, self._texts = root, texts
        self._lock = threading.Lock()
        self._is_closing = False
        self._threads: list[threading.Thread] = []
        self._jobs = {facts.id: Job(facts, folder) for folder, facts in known_jobs(root)}
        for job in self._jobs.values():
            job.state = job.facts.state if job.facts.state != "queued" else "interrupted"
            with suppress(UserError):  # who goes on with it, or fetches it, is told
                left = to_speak(cards := cards_of(texts, job))
                job.already = 1 - len(left) / max(1, len(cards))
                job.tell_spoken(texts, is_last=True)

    def start(
        self, order: SpeakOrder, recipe: dict[str, Any], is_owners: bool, leave: Leave
    ) -> Job:
        """Begin a job in a thread of its own.

        Args:
            order: what is spoken.
            recipe: the same in plain values, for its files, with the `speed` of its sound.
            is_owners: whether the owner of the app wants it, and no stranger.
            leave: called when the work has truly ended.

        Raises:
            UserError: it cannot be spoken so, or cannot be kept.
        """
        facts = JobFacts(f"job_{secrets.token_hex(16)}", recipe, is_owners, time.time())
        try:
            job = Job(facts, self._root / self._texts.create_speech(facts.id, order).id)
            facts.save(job.folder)
        except BaseException:
            leave()
            raise
        with self._lock:
            self._jobs[job.id] = job
        self._sweep()
        self._begin(job, leave)
        return job

    def resume(self, job: Job, leave: Leave) -> None:
        """Go on with a job that did not come to its end; one that did, or runs, stays as it is.

        Raises:
            StorageError: it cannot be written down.
        """
        with self._lock:
            is_idle = job.is_over and job.state != "done"
            job.is_at_work = job.is_at_work or is_idle
        if not is_idle:
            leave()
            return
        job.state = job.facts.state = "queued"
        job.facts.ended = job.facts.error = job.size_bytes = None
        job.is_stopped = False
        job.progress = Progress("queued", 0.0)
        try:
            job.facts.save(job.folder)
        except BaseException:
            job.is_at_work, job.state = False, "interrupted"
            leave()
            raise
        job.begin_telling()
        self._begin(job, leave)

    def go_on(self, enter: Callable[[], Leave]) -> None:
        """After a restart: go on with the owner's jobs that were at work when the app ended.

        A stranger's job waits until somebody asks for it, and so does one whose restarts gave
        nothing: it may be what ends the app.

        Args:
            enter: lets one more job in, or raises.
        """
        with self._lock:
            found = sorted(self._jobs.values(), key=lambda each: each.facts.created)
        for job in found:
            if job.facts.state != "queued" or not job.is_over or not job.facts.is_owners:
                continue
            with suppress(UserError, ApiError):  # it stays interrupted
                spoken = sum(each.state == "done" for each in cards_of(self._texts, job))
                is_further = spoken > job.facts.tried_with
                job.facts.tries = 1 if is_further else job.facts.tries + 1
                job.facts.tried_with = spoken
                if job.facts.tries <= MOST_TRIES:
                    self.resume(job, enter())

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

    def cancel(self, job: Job) -> None:
        """Stop a job; what was spoken is kept."""
        job.is_stopped = True
        self._texts.stop(job.folder.name)
        if job.state == "interrupted":
            self._end(job, "cancelled", None)

    def remove(self, job: Job) -> None:
        """Stop a job and forget it with its sound."""
        job.is_removed = job.is_stopped = True
        with self._lock:
            self._jobs.pop(job.id, None)
        (job.folder / FILE).unlink(missing_ok=True)  # no restart finds it again
        if job.is_at_work:
            self._texts.stop(job.folder.name)  # its thread removes the rest
        else:
            self._delete(job)

    def sound(self, job: Job) -> tuple[Iterator[Waveform], int]:
        """Give what was spoken part by part, and its rate in Hz.

        Raises:
            ProjectError: nothing was spoken, or it is gone.
        """
        blocks, rate = self._texts.track(job.folder.name)
        return (change_tempo(each, rate, job.speed) for each in blocks), rate

    def timeline(self, job: Job) -> list[SpokenCard]:
        """Say when each sentence is heard, before the speed is changed.

        Raises:
            ProjectError: nothing was spoken, or it is gone.
        """
        return self._texts.timeline(job.folder.name)

    def close(self) -> None:
        """Stop all jobs; they go on when the app is started again."""
        with self._lock:
            self._is_closing, threads = True, list(self._threads)
        self._texts.close()
        for each in threads:
            each.join(FAREWELL_SECONDS)

    def _begin(self, job: Job, leave: Leave) -> None:
        job.is_at_work = True
        thread = threading.Thread(target=self._run, args=(job, leave), name="http job", daemon=True)
        with self._lock:
            self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def _run(self, job: Job, leave: Leave) -> None:
        """Follow a speech to its end, and write down how it ended."""
        state: State = "done"
        error: Exception | None = None
        try:
            state = self._speak(job)
        except Exception as fault:  # noqa: BLE001  nobody waits: it is told when somebody asks
            state, error = "failed", fault
        finally:
            leave()
        if job.is_removed:
            job.state, job.is_at_work = "cancelled", False
            self._delete(job)
        elif (self._is_closing and state != "done") or str(error) == IN_USE:
            job.state, job.is_at_work = "interrupted", False  # on disk it is still to be spoken
        else:
            self._end(job, state, error)

    def _speak(self, job: Job) -> State:
        """Speak what is still to be spoken.

        Raises:
            UserError: not all of it could be spoken.
        """
        job.tell_spoken(self._texts)
        cards = cards_of(self._texts, job)
        wanted = [each.id for each in to_speak(cards)]
        job.already = 1 - len(wanted) / max(1, len(cards))
        told_at = 0.0
        for event in self._texts.render(job.folder.name, cards=wanted):
            if job.is_stopped:
                self._texts.stop(job.folder.name)  # perhaps it had not begun before
            if isinstance(event, Failed):
                raise error_of(event)
            if isinstance(event, Cancelled):
                return "cancelled"
            job.state = "running"
            if isinstance(event, AudioChunk):
                job.tell_spoken(self._texts)
            elif isinstance(event, Progress):
                is_news = (event.stage, event.chunk) != (job.progress.stage, job.progress.chunk)
                job.progress = event
                if is_news or time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                    told_at = time.monotonic()
                    job.tell("progress")
        self._check_whole(job)
        return "done"

    def _check_whole(self, job: Job) -> None:
        """Refuse to call a job done that is not.

        Raises:
            UserError: a sentence could not be spoken, or nothing was heard at all.
        """
        cards = cards_of(self._texts, job)
        if missing := to_speak(cards):
            raise EngineError(missing[0].note or "The speech ended before all of it was spoken.")
        if not any(each.state == "done" for each in cards):
            words = "Nothing was spoken. Give a text with words in it, or another seed."
            raise TextError(words)

    def _end(self, job: Job, state: State, error: Exception | None) -> None:
        job.facts.error = None if error is None else as_api_error(error).body()["error"]
        job.facts.state, job.facts.ended = state, time.time()
        with suppress(StorageError):  # then it is spoken on after a restart
            job.facts.save(job.folder)
        with suppress(ProjectError):
            job.tell_spoken(self._texts, is_last=True)
        job.state, job.is_at_work = state, False

    def _delete(self, job: Job) -> None:
        with suppress(UserError):  # another program speaks it; it removes it
            self._texts.delete(job.folder.name)

    def _sweep(self) -> None:
        """Forget what is too old or too much, the oldest first."""
        now = time.time()
        with self._lock:
            over = [each for each in self._jobs.values() if each.is_over]
        over.sort(key=_last_change, reverse=True)
        kept_bytes, dropped = 0, []
        for number, job in enumerate(over):
            if job.size_bytes is None:
                job.size_bytes = folder_bytes(job.folder)
            kept_bytes += job.size_bytes
            is_old = now - _last_change(job) > KEPT_SECONDS
            if is_old or number >= MAX_KEPT or (number and kept_bytes > MAX_KEPT_BYTES):
                dropped.append(job)
        for job in dropped:
            self.remove(job)


def _last_change(job: Job) -> float:
    """When a job ended, or was last spoken on; by time.time."""
    if job.facts.ended is not None:
        return job.facts.ended
    try:
        return (job.folder / "cards").stat().st_mtime
    except OSError:
        return job.facts.created
