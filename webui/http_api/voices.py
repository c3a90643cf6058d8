"""The calls about voices: list, describe, take away, delete."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response

from webui.backend.facts import VoiceInfo
from webui.http_api.keys import Caller, require_owner
from webui.http_api.reception import Reception


def voice_routes(reception: Reception) -> APIRouter:
    """The calls that need no computing."""
    router = APIRouter(prefix="/v1", tags=["Voices"])
    WhoAsks = Annotated[Caller, Depends(reception.keys.caller)]

    @router.get("/audio/voices")
    @router.get("/voices", include_in_schema=False)
    def list_voices(
        caller: WhoAsks,
        model: Annotated[str, Query(description="whose voices")] = "tts-1",
        legacy: Annotated[bool, Query(description="ids only, as older programs expect")] = False,
    ) -> dict[str, Any]:
        """List the voices that a model can speak with."""
        family = reception.family(model)
        usable = [each for each in reception.voices(caller, family.id) if not each.broken]
        if legacy:
            return {"voices": [each.id for each in usable]}
        listed = [voice_json(each) for each in usable]
        return {"object": "list", "voices": listed, "data": listed}

    @router.get("/voices/{voice_id}")
    def get_voice(voice_id: str, caller: WhoAsks) -> dict[str, Any]:
        """Tell all that is known of a voice."""
        voice = reception.voice(caller, voice_id)
        told = voice_json(voice)
        if not voice.broken:
            said = reception.service.library.details(voice.id).metadata
            told |= {
                "quantizer": said.quantizer,
                "converter": said.converter,
                "similarity": said.similarity,
                "consent": said.consent_text,
                "notes": said.notes,
            }
        return told

    @router.delete("/voices/{voice_id}")
    def delete_voice(voice_id: str, caller: WhoAsks) -> dict[str, Any]:
        """Delete an own voice; on the page it can be brought back for a week."""
        require_owner(caller, "deleting voices")
        voice = reception.voice(caller, voice_id)
        deleted = reception.service.library.delete(voice.id)
        return {
            "id": voice.id,
            "object": "audio.voice.deleted",
            "deleted": True,
            "kept_until": deleted.kept_until,
        }

    @router.get("/voices/{voice_id}/file", response_class=Response)
    def get_voice_file(voice_id: str, caller: WhoAsks) -> Response:
        """Give a voice as the .npz that every Bark tool reads."""
        voice = reception.voice(caller, voice_id)
        name, data = reception.service.library.export(voice.id)
        attached = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(data, media_type="application/octet-stream", headers=attached)

    return router


def voice_json(voice: VoiceInfo) -> dict[str, Any]:
    """A voice as programs see it."""
    return {
        "id": voice.id,
        "object": "audio.voice",
        "name": voice.name,
        "model": voice.family,
        "language": voice.language,
        "source": voice.source,
        "tags": list(voice.tags),
        "seconds": voice.seconds,
        "method": voice.method,
        "created_at": _unix_time(voice.created),
        "broken": voice.broken,
    }


def answer_json(value: dict[str, Any]) -> bytes:
    """A JSON answer's bytes, for work that gives bytes."""
    return bytes(JSONResponse(value).body)


def _unix_time(created: str) -> int:
    try:
        return int(datetime.fromisoformat(created).timestamp())
    except ValueError:
        return 0
