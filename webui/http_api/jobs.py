"""The calls about jobs: a long text is spoken in the background, its sound fetched later."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from webui.audio import encode_audio
from webui.events import CancelToken, Event
from webui.http_api.errors import ApiError
from webui.http_api.job_store import ENDED, Job
from webui.http_api.keys import Caller
from webui.http_api.reception import Reception
from webui.http_api.speech import MEDIA_TYPES, spoken_chunks, sse_line
from webui.http_api.speech_order import SpokenText, speech_wish
from webui.longform.subtitles import write_subtitles

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

        def speaking(cancel: CancelToken) -> Iterator[Event]:
            return spoken_chunks(reception.service.speak(wish.order, cancel), wish.speed)

        leave = reception.admission.enter(caller)
        return reception.jobs.start(wish.recipe(), speaking, leave).as_json()

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
        job.token.cancel()
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
        job = _ended(reception, job_id)
        data = encode_audio(job.sound(), job.rate, format, job.recipe)
        attached = {"content-disposition": f'attachment; filename="speech.{format}"'}
        return Response(data, media_type=MEDIA_TYPES[format], headers=attached)

    @router.get("/{job_id}/subtitles", response_class=PlainTextResponse)
    def get_subtitles(
        job_id: str,
        _caller: WhoAsks,
        format: Annotated[Literal["srt", "vtt"], Query()] = "srt",
    ) -> PlainTextResponse:
        """Give what is said when."""
        job = _ended(reception, job_id)
        kind = "text/vtt" if format == "vtt" else "application/x-subrip"
        return PlainTextResponse(write_subtitles(job.cues, format), media_type=kind)


def _ended(reception: Reception, job_id: str) -> Job:
    """A job whose sound can be fetched.

    Raises:
        ApiError: it still runs, or nothing was spoken.
    """
    job = reception.jobs.find(job_id)
    if job.state not in ENDED:
        raise ApiError(409, "This job has not ended yet.", "job_running")
    if not job.samples:
        words = job.error["message"] if job.error else "Nothing was spoken."
        raise ApiError(409, f"This job has no sound: {words}", "job_without_sound")
    return job


async def _told(job: Job, request: Request) -> AsyncIterator[bytes]:
    told = 0
    while True:
        is_over = job.ended is not None and job.state in ENDED
        while told < len(job.events):
            yield sse_line(job.events[told])
            told += 1
        if is_over or await request.is_disconnected():
            return
        await asyncio.sleep(LOOK_SECONDS)
