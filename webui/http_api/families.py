"""`GET /v1/models`: the families that can speak, and OpenAI's names for the usual one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from webui.backend.facts import FamilyInfo
from webui.http_api.keys import Caller
from webui.http_api.reception import OPENAI_MODELS, Reception


def family_routes(reception: Reception) -> APIRouter:
    """The calls about models."""
    router = APIRouter(prefix="/v1", tags=["Models"])
    WhoAsks = Annotated[Caller, Depends(reception.keys.caller)]

    @router.get("/models")
    def list_models(_caller: WhoAsks) -> dict[str, Any]:
        """List what can be sent as `model`."""
        families = reception.installed()
        usual = reception.service.default_family()
        listed = [_as_json(family.id, family) for family in families]
        for family in families:
            if family.id == usual:
                listed += [_as_json(name, family) for name in OPENAI_MODELS]
        return {"object": "list", "data": listed}

    @router.get("/models/{model}")
    def get_model(model: str, _caller: WhoAsks) -> dict[str, Any]:
        """Describe one model."""
        return _as_json(model, reception.family(model))

    return router


def _as_json(name: str, family: FamilyInfo) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 0,  # OpenAI's clients want a time; a family has none
        "owned_by": "bark-voice-studio",
        "family": family.id,
        "title": family.title,
        "licence": family.licence,
        "languages": list(family.languages),
        "sample_rate": family.sample_rate,
        "is_demo": family.is_demo,
    }
