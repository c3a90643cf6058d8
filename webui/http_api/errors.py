"""What a program is told when something cannot be done, in the shape of OpenAI's errors."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from webui.errors import (
    AudioFileError,
    CheckpointError,
    CloneError,
    DeviceMemoryError,
    EngineError,
    FamilyNotFoundError,
    SettingsError,
    SpeakerFileError,
    StorageError,
    TextError,
    UserError,
    VoiceNotFoundError,
)

LOG = logging.getLogger(__name__)
# The first class that fits says the status and the code.
STATUSES: tuple[tuple[type[UserError], int, str], ...] = (
    (TextError, 400, "invalid_text"),
    (SettingsError, 400, "invalid_value"),
    (FamilyNotFoundError, 404, "model_not_found"),
    (VoiceNotFoundError, 404, "voice_not_found"),
    (SpeakerFileError, 400, "invalid_voice"),
    (AudioFileError, 400, "invalid_audio"),
    (CloneError, 400, "cannot_clone"),
    (CheckpointError, 503, "model_damaged"),
    (DeviceMemoryError, 503, "out_of_memory"),
    (EngineError, 503, "engine_error"),
    (StorageError, 507, "storage_error"),
    (UserError, 400, "invalid_request"),
)


class ApiError(Exception):
    """A refusal with its HTTP status; its text is for the person who wrote the program."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """What OpenAI's clients read."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        if self.status == 401:
            kind = "authentication_error"
        told = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": told}


def as_api_error(fault: Exception) -> ApiError:
    """Turn any fault into a refusal; one that we did not foresee goes to the log with a code."""
    if isinstance(fault, ApiError):
        return fault
    for kind, status, code in STATUSES:
        if isinstance(fault, kind):
            return ApiError(status, str(fault), code)
    number = secrets.token_hex(2).upper()
    LOG.error("Unforeseen fault %s of the HTTP API", number, exc_info=fault)
    return ApiError(500, f"Something went wrong (code {number}). Please try again.", "fault")


async def answer_fault(_request: Request, fault: Exception) -> JSONResponse:
    """Tell a program what went wrong."""
    error = as_api_error(fault)
    return JSONResponse(error.body(), error.status, error.headers)


async def answer_validation(_request: Request, fault: Exception) -> JSONResponse:
    """Tell a program the first of its values that cannot be used, without repeating the value."""
    if not isinstance(fault, RequestValidationError):
        return await answer_fault(_request, fault)
    first = fault.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    name = place[0] if place and not place[0].isdecimal() else None
    if first["type"] == "extra_forbidden":
        message = f"Unrecognized request argument supplied: {(name or '')[:64]}"
    elif first["type"] == "json_invalid":
        message = "The body of this request is not JSON."
    else:
        where = f"'{'.'.join(place)[:64]}': " if place else ""
        message = f"{where}{first['msg']}."
    error = ApiError(400, message, "invalid_value", name)
    return JSONResponse(error.body(), error.status)


async def answer_http(_request: Request, fault: Exception) -> JSONResponse:
    """Tell a program that there is nothing under this address, or not by this method."""
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    words = {404: "There is nothing under this address.", 405: "This address has other methods."}
    message = f"{words.get(status, 'This request cannot be answered.')} /docs lists what there is."
    error = ApiError(status, message, "unknown_url" if status == 404 else "invalid_request")
    headers = fault.headers if isinstance(fault, HTTPException) else None
    return JSONResponse(error.body(), status, headers)
