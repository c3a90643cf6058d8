"""Puts the calls together: what the page's server answers beside the page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route

import webui
from webui.errors import UserError
from webui.http_api.admission import Admission
from webui.http_api.cloning import cloning_routes
from webui.http_api.errors import ApiError, answer_fault, answer_http, answer_validation
from webui.http_api.families import family_routes
from webui.http_api.job_store import JobStore
from webui.http_api.jobs import job_routes
from webui.http_api.keys import OWNER, Keys
from webui.http_api.port import ProgramService
from webui.http_api.reception import Reception
from webui.http_api.reference import reference_page
from webui.http_api.speech import speech_routes
from webui.http_api.voices import voice_routes
from webui.settings import Settings

TITLE = "Bark Voice Studio for programs"
WORDS = (
    "OpenAI's call for speech, unchanged, and calls for voices and long texts. Where a key is "
    "needed, send it as `Authorization: Bearer KEY`."
)
JOBS_FOLDER = "jobs"  # among the app's own files
PLACES = ("/v1/{rest:path}", "/healthz", "/docs", "/openapi.json")


@dataclass(frozen=True, eq=False)
class HttpApi:
    """The API, ready to be answered by a server."""

    app: FastAPI
    reception: Reception

    def routes(self) -> list[Route]:
        """Its places, for the server of the page."""
        return [Route(place, self.app) for place in PLACES]

    def go_on(self) -> None:
        """Go on with the owner's jobs that were at work when the app ended.

        Where the device is lent for one call at a time, they wait until somebody asks.
        """
        if not self.reception.settings.zero_gpu:
            self.reception.jobs.go_on(lambda: self.reception.admission.enter(OWNER))

    def close(self) -> None:
        """Stop the jobs; they go on when the app is started again."""
        self.reception.jobs.close()


def open_api(service: ProgramService, settings: Settings, folder: Path) -> HttpApi:
    """Build the API over a service.

    Args:
        service: does the work.
        settings: who may do what, and how much.
        folder: for uploads and answers, gone with the app.
    """
    kept = settings.data_dir / JOBS_FOLDER
    jobs = JobStore(kept, service.job_texts(kept))
    reception = Reception(service, settings, Keys(settings), Admission(), jobs, folder / "sent")
    app = FastAPI(
        title=TITLE,
        description=WORDS,
        version=webui.__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    for kind in (ApiError, UserError, Exception):
        app.add_exception_handler(kind, answer_fault)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(HTTPException, answer_http)
    for make in (speech_routes, voice_routes, cloning_routes, family_routes, job_routes):
        app.include_router(make(reception))
    _add_plain_calls(app, reception)
    return HttpApi(app, reception)


def _add_plain_calls(app: FastAPI, reception: Reception) -> None:
    """The calls that need no key."""

    @app.get("/healthz", tags=["Health"])
    def health() -> dict[str, Any]:
        """Tell whether the app can speak, and how much waits."""
        status = reception.service.status()
        return {
            "status": "ok" if status.state not in ("no_model", "failed") else status.state,
            "state": status.state,
            "model": status.family,
            "device": status.device,
            "waiting": reception.service.engine_status().waiting,
            "running": reception.admission.running,
        }

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    def docs() -> HTMLResponse:
        """Show every call."""
        return HTMLResponse(reference_page(app.openapi()))
