"""The calls about jobs: a long text is spoken in the background, its sound fetched later."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from webui.audio import FORMATS, encode_audio
from webui.audio.long_files import write_long_audio
from webui.http_api.errors import ApiError
from webui.http_api.job import Job
from webui.http_api.keys import Caller, require_owner
from webui.http_api.reception import Reception
from webui.http_api.speech import MEDIA_TYPES, sse_line
from webui.http_api.speech_order import SpokenText, speech_wish
from webui.longform.subtitles import Cue, write_subtitles

LOOK_SECONDS = 0.2  # between two looks for news
FileFormat = Literal["wav", "flac", "mp3", "opus", "aac"]


def job_routes(reception: Reception) -> APIRouter:
    """The calls about jobs; whoever knows a job's id may ask about it."""
    router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])
    WhoAsks = Annotated[Caller, Depends(reception.keys.caller)]

    @router.post("", status_code=202)
    def start_job(body: SpokenText, caller: WhoAsks) -> dict[str, Any]:
        """Begin to speak a long text."""
        settings = reception.settings
        longest = max(settings.max_job_characters, settings.max_text_characters)
        if not caller.is_owner:
            longest = settings.max_text_characters
        wish = speech_wish(reception, caller, body, longest)
        leave = reception.admission.enter(caller)
        started = reception.jobs.start(wish.order, wish.recipe(), caller.is_owner, leave)
        return started.as_json()

    @router.get("/{job_id}")
    def get_job(job_id: str, _caller: WhoAsks) -> dict[str, Any]:
        """Tell how far a job is."""
        return reception.jobs.find(job_id).as_json()

    @router.get("/{job_id}/events", response_class=Response)
    async def get_events(job_id: str, request: Request, _caller: WhoAsks) -> Response:
        """Follow a job from its start to its end, as server-sent events."""
        job = reception.jobs.find(job_id)
        return StreamingResponse(_told(job, request), media_type="text/event-stream")

    @router.post("/{job_id}/cancel")
    def cancel_job(job_id: str, _caller: WhoAsks) -> dict[str, Any]:
        """Stop a job; what was spoken can still be fetched."""
        job = reception.jobs.find(job_id)
        reception.jobs.cancel(job)
        return job.as_json()

    @router.post("/{job_id}/resume", status_code=202)
    def resume_job(job_id: str, caller: WhoAsks) -> dict[str, Any]:
        """Go on with a job that was interrupted, cancelled or failed; nothing is spoken twice."""
        job = reception.jobs.find(job_id)
        if job.facts.is_owners:
            require_owner(caller, "going on with this job")
        reception.jobs.resume(job, reception.admission.enter(caller))
        return job.as_json()

    @router.delete("/{job_id}")
    def delete_job(job_id: str, _caller: WhoAsks) -> dict[str, Any]:
        """Stop a job and remove its sound."""
        job = reception.jobs.find(job_id)
        reception.jobs.remove(job)
        return {"id": job.id, "object": "audio.speech.job.deleted", "deleted": True}

    _add_results(router, reception)
    return router


def _add_results(router: APIRouter, reception: Reception) -> None:
    """The calls for what was made."""
    WhoAsks = Annotated[Caller, Depends(reception.keys.caller)]

    @router.get("/{job_id}/result", response_class=Response)
    def get_result(
        job_id: str,
        _caller: WhoAsks,
        format: Annotated[FileFormat, Query()] = "wav",
    ) -> Response:
        """Give the sound of a job that has ended."""
        return _sound_file(reception, _ended(reception, job_id), format)

    @router.get("/{job_id}/subtitles", response_class=PlainTextResponse)
    def get_subtitles(
        job_id: str,
        _caller: WhoAsks,
        format: Annotated[Literal["srt", "vtt"], Query()] = "srt",
    ) -> PlainTextResponse:
        """Give what is said when."""
        job = _ended(reception, job_id)
        kind = "text/vtt" if format == "vtt" else "application/x-subrip"
        cues = [
            Cue(each.start_seconds / job.speed, each.end_seconds / job.speed, each.text)
            for each in reception.jobs.timeline(job)
        ]
        return PlainTextResponse(write_subtitles(cues, format), media_type=kind)


def _sound_file(reception: Reception, job: Job, audio_format: FileFormat) -> Response:
    """The whole sound; where the format allows, it is put together on disk, not in memory."""
    attached = {"content-disposition": f'attachment; filename="speech.{audio_format}"'}
    kind, recipe = MEDIA_TYPES[audio_format], job.facts.recipe
    blocks, rate = reception.jobs.sound(job)
    if audio_format not in FORMATS:
        data = encode_audio(np.concatenate(list(blocks)), rate, audio_format, recipe)
        return Response(data, media_type=kind, headers=attached)
    reception.folder.mkdir(parents=True, exist_ok=True)
    path = reception.folder / f"{secrets.token_hex(16)}.{audio_format}"
    write_long_audio(path, blocks, rate, audio_format, recipe)
    return FileResponse(
        path, media_type=kind, headers=attached, background=BackgroundTask(_remove, path)
    )


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _ended(reception: Reception, job_id: str) -> Job:
    """A job whose sound can be fetched.

    Raises:
        ApiError: it still runs, was interrupted, or nothing was spoken.
    """
    job = reception.jobs.find(job_id)
    if not job.is_over:
        raise ApiError(409, "This job has not ended yet.", "job_running")
    if job.state == "interrupted":
        words = f"This job was interrupted. POST /v1/jobs/{job.id}/resume goes on with it."
        raise ApiError(409, words, "job_interrupted")
    if not job.seconds:
        words = job.facts.error["message"] if job.facts.error else "Nothing was spoken."
        raise ApiError(409, f"This job has no sound: {words}", "job_without_sound")
    return job


async def _told(job: Job, request: Request) -> AsyncIterator[bytes]:
    """All that is told of a job; its end comes last."""
    events, told = job.events, 0
    while True:
        is_over = job.is_over
        while told < len(events):
            yield sse_line(events[told])
            told += 1
        if is_over or job.events is not events:
            yield sse_line({"type": job.state} | job.as_json())
            return
        if await request.is_disconnected():
            return
        await asyncio.sleep(LOOK_SECONDS)
