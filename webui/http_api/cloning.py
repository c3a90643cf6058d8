"""`POST /v1/voices`: a recording goes in, a voice with its report comes out and is kept."""

import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile as SentFile

from webui.audio import read_audio
from webui.backend.cloning_desk import CONSENT
from webui.backend.engine import error_of
from webui.backend.requests import CloneOrder
from webui.clone_results import CloneCandidate, CloneOutcome, Recording
from webui.errors import CloneError, EngineError
from webui.events import Cancelled, CancelToken, Cloned, Failed
from webui.http_api.errors import ApiError
from webui.http_api.keys import Caller, require_owner
from webui.http_api.reception import Reception
from webui.http_api.running import answer_with
from webui.http_api.voices import answer_json, voice_json
from webui.speaker_metadata import clean_text
from webui.voice_names import check_voice_name

MAX_FILES = 8
MAX_TRANSCRIPT_CHARACTERS = 2_000
Asked = Literal["quantizer", "transcript", "conversion"]


def cloning_routes(reception: Reception) -> APIRouter:
    """The calls that make voices."""
    router = APIRouter(prefix="/v1", tags=["Voices"])
    WhoAsks = Annotated[Caller, Depends(reception.keys.caller)]

    @router.post("/voices", response_class=Response)
    @router.post("/audio/voices", response_class=Response, include_in_schema=False)
    async def make_voice(  # noqa: PLR0913  the fields of a form
        request: Request,
        caller: WhoAsks,
        name: Annotated[str, Form(description="of the new voice")],
        consent: Annotated[str, Form(description=f'a sentence such as "{CONSENT}"')],
        file: Annotated[list[UploadFile] | None, File(description="recordings of one")] = None,
        audio_sample: Annotated[UploadFile | None, File(description="OpenAI's `file`")] = None,
        method: Annotated[Asked, Form()] = "quantizer",
        model: Annotated[str, Form()] = "tts-1",
        language: Annotated[str, Form(pattern=r"^[a-z]{2,3}$")] = "en",
        transcript: Annotated[str | None, Form(max_length=MAX_TRANSCRIPT_CHARACTERS)] = None,
        seed: Annotated[int | None, Form(ge=0)] = None,
    ) -> Response:
        """Clone a voice from recordings of one speaker, judge it and keep it."""
        require_owner(caller, "cloning")
        _check_words(name, consent)
        family = await run_in_threadpool(reception.family, model)
        sent = [*(file or []), *([audio_sample] if audio_sample else [])]
        recordings = await run_in_threadpool(_read_all, sent, reception.folder)
        order = CloneOrder(
            recordings,
            methods=(method,),
            family=family.id,
            language=language,
            transcript=transcript or None,
            seed=seed,
        )

        def work(cancel: CancelToken) -> Iterator[bytes]:
            yield answer_json(cloned_and_kept(reception, order, name, consent, cancel))

        answer = Response(media_type="application/json")
        return await answer_with(work, request, reception.admission, caller, answer)

    return router


def cloned_and_kept(
    reception: Reception, order: CloneOrder, name: str, consent: str, cancel: CancelToken
) -> dict[str, Any]:
    """Clone, keep the best clone, and tell how good it is.

    Raises:
        UserError: nothing could be cloned or kept.
    """
    outcome: CloneOutcome | None = None
    for event in reception.service.clone(order, cancel):
        if isinstance(event, Cloned):
            outcome = event.outcome
        if isinstance(event, Failed):
            raise error_of(event)
        if isinstance(event, Cancelled):
            raise EngineError("The cloning was stopped; nothing was kept.")
    if outcome is None or not outcome.candidates or cancel.cancelled:
        raise EngineError("The cloning ended without a voice. Please try it again.")
    voice = reception.service.keep_clone(order, outcome, 0, name, consent)
    return voice_json(voice) | _told(outcome.candidates[0], outcome, clean_text(consent))


def _told(best: CloneCandidate, outcome: CloneOutcome, consent: str) -> dict[str, Any]:
    report = None if best.report is None else asdict(best.report)
    return {
        "consent": consent,
        "report": report,
        "window": [best.window.start_seconds, best.window.end_seconds],
        "seed": best.seed,
        "notes": list(best.notes),
        "findings": [asdict(each) for each in outcome.check.findings],
        "compute_seconds": round(outcome.compute_seconds, 3),
    }


def _check_words(name: str, consent: str) -> None:
    """Refuse before anything is computed what could not be kept.

    Raises:
        SpeakerFileError: the name cannot be used.
        CloneError: nobody confirmed anything.
    """
    check_voice_name(name)
    if not clean_text(consent):
        raise CloneError(f'"consent" is empty. Confirm it in a sentence: "{CONSENT}"')


def _read_all(sent: Sequence[SentFile], folder: Path) -> tuple[Recording, ...]:
    """Read recordings through the one door for sound files.

    Raises:
        ApiError: there are none, or too many.
        AudioFileError: one is not a recording.
    """
    if not 1 <= len(sent) <= MAX_FILES:
        words = f"{len(sent)} recordings were sent as `file`; 1 to {MAX_FILES} are needed."
        raise ApiError(400, words, "invalid_audio", "file")
    return tuple(_read(each, folder) for each in sent)


def _read(sent: SentFile, folder: Path) -> Recording:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(16)}.recording"
    try:
        with path.open("xb") as file:
            shutil.copyfileobj(sent.file, file)
        waveform, rate = read_audio(path)
    finally:
        path.unlink(missing_ok=True)
    return Recording(waveform, rate, clean_text(sent.filename or "")[:80])
