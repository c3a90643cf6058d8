"""What a program asks to be spoken: OpenAI's fields and our own, checked as if typed by hand."""

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from webui.backend.requests import SpeakOrder
from webui.backend.speech_recipe import SpeechRecipe
from webui.http_api.errors import ApiError
from webui.http_api.keys import Caller
from webui.http_api.reception import Reception
from webui.synthesis.controls import MAX_SEED, SpeechControls, controls_from_json
from webui.synthesis.tempo import LEAST_SPEED, MOST_SPEED

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]


class VoiceById(BaseModel):
    """A voice as OpenAI's clients name their own ones."""

    model_config = ConfigDict(extra="forbid")
    id: str


class SpokenText(BaseModel):
    """A text and how it is to sound."""

    model_config = ConfigDict(extra="forbid")
    input: str = Field(description="The text.")
    model: str = Field("tts-1", description="A family, or one of OpenAI's names: the usual one.")
    voice: str | VoiceById = Field(
        "alloy", description="An id or a name of GET /v1/audio/voices, or one of OpenAI's names."
    )
    speed: float = Field(1.0, ge=LEAST_SPEED, le=MOST_SPEED, description="The pitch stays.")
    language: str | None = Field(
        None, pattern=r"^[a-z]{2,3}$", description="ISO 639 code of the text; else the voice's."
    )
    seed: int | None = Field(
        None, ge=0, le=MAX_SEED, description="The same seed gives the same sound again."
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="Expressiveness: of the stage that chooses what is said how."
    )
    waveform_temperature: float | None = Field(
        None, ge=0, le=2, description="Variation of the voice."
    )
    controls: dict[str, Any] = Field({}, description="Any control of docs/speaking.md.")
    instructions: str | None = Field(
        None, description="For other models; Bark takes its hints in the text, as [laughs]."
    )


class SpeechBody(SpokenText):
    """The body of `POST /v1/audio/speech`."""

    response_format: Format = "mp3"
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="sse: events of OpenAI's form with the sound in base64."
    )
    stream: bool | None = Field(
        None, description="Of other servers; here wav, mp3 and pcm always come while they are made."
    )


@dataclass(frozen=True)
class SpeechWish:
    """A checked order with what is done to its sound afterwards."""

    order: SpeakOrder
    speed: float

    def recipe(self) -> dict[str, Any]:
        """What makes the same sound again, for the file's comment."""
        order = self.order
        made = SpeechRecipe(order.text, order.family, order.voice, order.controls, order.language)
        return made.to_json() | ({} if self.speed == 1 else {"speed": self.speed})


def speech_wish(reception: Reception, caller: Caller, body: SpokenText, longest: int) -> SpeechWish:
    """Check what is asked for.

    Args:
        reception: knows families and voices.
        caller: who asks.
        body: what was sent.
        longest: text that is taken, in characters.

    Raises:
        ApiError: names the first value that cannot be used.
        UserError: the family's files are damaged.
    """
    if reception.settings.zero_gpu and not caller.is_owner:
        words = "On this Space the graphics card is lent to visitors of the page only. Speak there."
        raise ApiError(403, words, "page_only")
    if not body.input.strip():
        raise ApiError(400, "There is no text to speak.", "invalid_text", "input")
    if len(body.input) > longest:
        words = f"The text has {len(body.input):,} characters; the limit here is {longest:,}."
        raise ApiError(400, words, "string_above_max_length", "input")
    family = reception.family(body.model)
    wanted = body.voice if isinstance(body.voice, str) else body.voice.id
    voice = reception.speaking_voice(caller, wanted, family)
    language = body.language or (voice.language if voice else None)
    controls = _controls(body, reception.service.recommended_controls(family.id))
    order = SpeakOrder(body.input, family.id, voice.id if voice else None, controls, language)
    return SpeechWish(order, body.speed)


def _controls(body: SpokenText, base: SpeechControls) -> SpeechControls:
    """The family's controls with what was sent; a seed is chosen here, so that it can be told."""
    changes = dict(body.controls)
    if body.seed is not None or changes.get("seed") is None:
        changes["seed"] = secrets.randbelow(MAX_SEED + 1) if body.seed is None else body.seed
    chosen = controls_from_json(changes, base)
    if chosen.takes != 1:
        words = "One request gives one take. Send several, each with another seed."
        raise ApiError(400, words, "invalid_value", "controls")
    stages: dict[str, Any] = {}
    if body.temperature is not None:
        stages["semantic"] = {"temperature": body.temperature}
    if body.waveform_temperature is not None:
        stages["coarse"] = {"temperature": body.waveform_temperature}
    return controls_from_json(stages, chosen)
