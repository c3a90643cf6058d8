"""`POST /v1/audio/speech`: a text goes in, sound comes out while it is made."""

import base64
import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from webui.audio import STREAMED_FORMATS, SoundStream, encode_audio
from webui.backend.engine import error_of
from webui.backend.requests import SpeakOrder
from webui.errors import EngineError, TextError, UserError
from webui.events import AudioChunk, Cancelled, CancelToken, Event, Failed
from webui.http_api.errors import as_api_error
from webui.http_api.keys import Caller
from webui.http_api.reception import Reception
from webui.http_api.running import answer_with
from webui.http_api.speech_order import SpeechBody, SpeechWish, speech_wish
from webui.synthesis.tempo import change_tempo

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
CHARACTERS_OF_TOKEN = 4  # about; for the usage that OpenAI's clients expect


def speech_routes(reception: Reception) -> APIRouter:
    """The call for speech."""
    router = APIRouter(prefix="/v1", tags=["Speech"])
    WhoAsks = Annotated[Caller, Depends(reception.keys.caller)]

    @router.post("/audio/speech", response_class=Response)
    async def speak(request: Request, body: SpeechBody, caller: WhoAsks) -> Response:
        """Say a text."""
        longest = reception.settings.max_text_characters
        wish = await run_in_threadpool(speech_wish, reception, caller, body, longest)
        told = {"x-seed": str(wish.order.controls.seed), "x-voice": wish.order.voice or ""}
        if body.stream_format == "sse":
            answer = Response(media_type="text/event-stream", headers=told)
        else:
            answer = Response(media_type=MEDIA_TYPES[body.response_format], headers=told)

        def work(cancel: CancelToken) -> Iterator[bytes]:
            pieces = spoken_bytes(reception, wish, body.response_format, cancel)
            return sse_events(wish.order, pieces) if body.stream_format == "sse" else pieces

        return await answer_with(work, request, reception.admission, caller, answer)

    return router


def spoken_chunks(events: Iterator[Event], speed: float) -> Iterator[Event]:
    """The events of a speech with the sound at another speed; a bad end is raised.

    Raises:
        UserError: the speech failed, was stopped, or said nothing.
    """
    heard = 0
    for event in events:
        if isinstance(event, AudioChunk):
            sound = change_tempo(event.waveform, event.sample_rate, speed)
            heard += len(sound)
            yield AudioChunk(event.index, event.chunks, event.text, sound, event.sample_rate)
            continue
        if isinstance(event, Failed):
            raise error_of(event)
        if isinstance(event, Cancelled):
            raise EngineError("The speech was stopped before its end.")
        yield event
    if not heard:
        raise TextError("Nothing was spoken. Give a text with words in it, or another seed.")


def spoken_bytes(
    reception: Reception, wish: SpeechWish, audio_format: str, cancel: CancelToken
) -> Iterator[bytes]:
    """Speak, and give the bytes of the file as they come; what cannot be streamed comes whole.

    Raises:
        UserError: the order cannot be spoken, or the speech ended badly.
    """
    events = spoken_chunks(reception.service.speak(wish.order, cancel), wish.speed)
    chunks = (event for event in events if isinstance(event, AudioChunk))
    if audio_format in STREAMED_FORMATS:
        first = next(chunks)
        stream = SoundStream(audio_format, first.sample_rate, wish.recipe())
        with contextlib.closing(stream):
            for chunk in itertools.chain([first], chunks):
                if piece := stream.add(chunk.waveform):
                    yield piece
            yield stream.finish()
    else:
        made = list(chunks)
        whole = np.concatenate([each.waveform for each in made])
        yield encode_audio(whole, made[0].sample_rate, audio_format, wish.recipe())


def sse_events(order: SpeakOrder, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Wrap the bytes of a speech as events of OpenAI's form; a fault becomes the last one.

    Raises:
        UserError: nothing was sent yet, so that the fault can be the answer's status.
    """
    said_something = False
    try:
        for piece in pieces:
            sound = base64.b64encode(piece).decode("ascii")
            yield sse_line({"type": "speech.audio.delta", "audio": sound})
            said_something = True
    except UserError as fault:
        if not said_something:
            raise
        yield sse_line({"type": "error"} | as_api_error(fault).body())
        return
    tokens = -(-len(order.text) // CHARACTERS_OF_TOKEN)
    usage = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}
    yield sse_line({"type": "speech.audio.done", "usage": usage})


def sse_line(value: dict[str, Any]) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
