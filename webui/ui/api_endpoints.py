"""The page's functions for programs: Gradio's own clients, and assistants by MCP, call these.

Each takes plain values and is checked as if there were no browser. On a public page a program is a
visitor whom nobody knows: it has the voices that come with the families, and what it clones is
given to it as a file and kept nowhere.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from gradio.events import api

from webui.audio import ALL_FORMATS, encode_audio
from webui.backend.cloning_desk import CONSENT
from webui.backend.engine import error_of
from webui.backend.facts import FamilyInfo, VoiceInfo
from webui.backend.requests import CloneOrder, SpeakOrder
from webui.backend.speech_recipe import SpeechRecipe
from webui.clone_results import METHODS, CloneOutcome, CloneReport
from webui.errors import AudioFileError, CloneError, EngineError, SettingsError, TextError
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Cloned,
    Done,
    Event,
    Failed,
    Progress,
    Reported,
    Speech,
)
from webui.speaker_metadata import clean_text
from webui.synthesis.tempo import change_tempo
from webui.ui.api_values import chosen_voice, speech_controls, typed, uploaded_file
from webui.ui.clone_file import voice_file
from webui.ui.clone_shelf import MadeClones
from webui.ui.faults import worded, worded_stream
from webui.ui.form_values import check_characters
from webui.ui.studio import Studio
from webui.voice_names import check_voice_name, slug

TOLD_EVERY_SECONDS = 0.5
AT_ONCE = 4  # calls that compute; more wait
Told = dict[str, Any]


class ApiEndpoints:
    """What programs can have done; `expose` gives it to Gradio."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def expose(self) -> None:
        """Make the functions known; needs to stand inside the page's blocks."""
        for work in (self.speak, self.clone, self.report):
            api(worded_stream(typed(work)), concurrency_limit=AT_ONCE, concurrency_id="programs")
        for look in (self.voices, self.families):
            api(worded(typed(look)), concurrency_limit=AT_ONCE)

    def speak(  # noqa: PLR0913  named values of a program, each with its usual one
        self,
        text: str,
        voice: str = "",
        family: str = "",
        *,
        seed: int = -1,
        temperature: float = -1.0,
        speed: float = 1.0,
        audio_format: str = "wav",
    ) -> Iterator[Told]:
        """Say a text. Gives the sound file and what makes the same sound again.

        Args:
            text: what to say; [laughs] and the like are spoken as such by Bark.
            voice: an id or a name that /voices lists; empty lets the family choose.
            family: an id that /families lists; empty is the usual one.
            seed: the same seed gives the same sound again; -1 takes a new one.
            temperature: expressiveness, 0 to 2; -1 is the family's own.
            speed: 0.25 to 4; the pitch stays.
            audio_format: wav, flac, mp3, opus or aac.
        """
        if audio_format not in ALL_FORMATS:
            raise SettingsError(f"The format must be one of {', '.join(ALL_FORMATS)}.")
        order = self._order(text, voice, family)
        order = replace(order, controls=speech_controls(order.controls, seed, temperature))
        chunks: list[AudioChunk] = []
        speech: Speech | None = None
        for event in self._watched(lambda token: self._studio.service.speak(order, token)):
            if isinstance(event, Progress):
                yield _progress(event)
            elif isinstance(event, AudioChunk):
                sound = change_tempo(event.waveform, event.sample_rate, speed)
                chunks.append(replace(event, waveform=sound))
            elif isinstance(event, Done):
                speech = event.result
        if speech is None or not any(len(each.waveform) for each in chunks):
            raise TextError("Nothing was spoken. Give a text with words in it, or another seed.")
        whole = np.concatenate([each.waveform for each in chunks])
        controls = replace(order.controls, seed=speech.seed)
        made = SpeechRecipe(order.text, speech.family, order.voice, controls, order.language)
        recipe = made.to_json() | ({} if speed == 1 else {"speed": speed})
        data = encode_audio(whole, speech.sample_rate, audio_format, recipe)
        yield {
            "sound": self._file(f"speech-{speech.seed}.{audio_format}", data),
            "seconds": round(len(whole) / speech.sample_rate, 3),
            "seed": speech.seed,
            "family": speech.family,
            "voice": order.voice or "",
            "notes": list(speech.notes),
        }

    def clone(  # noqa: PLR0913  named values of a program, each with its usual one
        self,
        recording: dict[str, Any],
        name: str,
        consent: str,
        *,
        language: str = "en",
        method: str = "quantizer",
        family: str = "",
        transcript: str = "",
    ) -> Iterator[Told]:
        """Clone a voice from a recording of one speaker. Gives the voice file and its report.

        Args:
            recording: an uploaded file, 3 to 15 seconds of clear speech by one person.
            name: of the new voice.
            consent: a sentence that the speaker agreed, such as "This is my voice."
            language: ISO 639 code of what is spoken.
            method: quantizer, transcript or conversion.
            family: an id that /families lists; empty is the usual one.
            transcript: what is said, for the method transcript; empty lets it be recognised.
        """
        order = self._clone_order(recording, name, consent, language, method)
        chosen = self._family(family).id
        order = replace(order, family=chosen, transcript=transcript[:2_000] or None)
        outcome: CloneOutcome | None = None
        for event in self._watched(lambda token: self._studio.service.clone(order, token)):
            if isinstance(event, Progress):
                yield _progress(event)
            elif isinstance(event, Cloned):
                outcome = event.outcome
        if outcome is None or not outcome.candidates:
            raise CloneError("The cloning ended without a voice. Please try it again.")
        kept = ""
        if not self._studio.settings.public:
            kept = self._studio.service.keep_clone(order, outcome, 0, name=name, consent=consent).id
        best = outcome.candidates[0]
        made = MadeClones(order, outcome, name, (), clean_text(consent))
        path = self._studio.laid_ready.place("", f"{slug(name)}.npz")
        yield {
            "file": _as_file(voice_file(made, 0, path.parent)),
            "voice": kept,
            "family": outcome.family,
            "report": None if best.report is None else report_json(best.report),
            "notes": list(best.notes),
        }

    def report(self, voice: str) -> Iterator[Told]:
        """Let a voice speak test sentences and say how good it is.

        Args:
            voice: an id or a name that /voices lists.
        """
        known = chosen_voice(self._studio.visible_voices(), voice)
        reported: CloneReport | None = None
        for event in self._watched(
            lambda token: self._studio.service.report(known.id, None, token)
        ):
            if isinstance(event, Progress):
                yield _progress(event)
            elif isinstance(event, Reported):
                reported = event.report
        if reported is None:
            raise EngineError("The work ended without a report. Please try it again.")
        yield {"voice": known.id, "report": report_json(reported)}

    def voices(self, family: str = "") -> list[Told]:
        """List the voices that a family can speak with.

        Args:
            family: an id that /families lists; empty is the usual one.
        """
        found = self._studio.visible_voices(self._family(family).id)
        return [_voice_json(each) for each in found if not each.broken]

    def families(self) -> list[Told]:
        """List the model families that can speak now."""
        usual = self._studio.default_family()
        return [
            {
                "id": each.id,
                "title": each.title,
                "languages": list(each.languages),
                "licence": each.licence,
                "is_usual": each.id == usual,
                "is_demo": each.is_demo,
            }
            for each in self._studio.installed_families()
        ]

    def _family(self, wanted: str) -> FamilyInfo:
        return self._studio.speaking_family(wanted or self._studio.default_family())

    def _order(self, text: str, voice: str, family: str) -> SpeakOrder:
        """Check what is to be spoken.

        Raises:
            UserError: names the first value that cannot be used.
        """
        if not text.strip():
            raise TextError("There is no text to speak.")
        check_characters(len(text), self._studio.settings.max_text_characters)
        known = self._family(family)
        base = self._studio.service.recommended_controls(known.id)
        if not voice:
            return SpeakOrder(text, known.id, controls=base)
        found = chosen_voice(self._studio.visible_voices(known.id), voice)
        return SpeakOrder(text, known.id, found.id, base, found.language or None)

    def _clone_order(
        self, recording: dict[str, Any], name: str, consent: str, language: str, method: str
    ) -> CloneOrder:
        """Check what is to be cloned.

        Raises:
            UserError: names the first value that cannot be used.
        """
        check_voice_name(name)
        if not clean_text(consent):
            raise CloneError(f'Confirm it in a sentence: "{CONSENT}"')
        chosen = [each for each in METHODS if each == method]
        if not chosen:
            raise SettingsError(f"The method must be one of {', '.join(METHODS)}.")
        if not language.isalpha() or not 2 <= len(language) <= 3:
            raise SettingsError("The language must be a code such as en or de.")
        try:
            clips = self._studio.clips.read_all([str(uploaded_file(recording))])
        except OSError as fault:
            raise AudioFileError("The recording cannot be read. Upload it again.") from fault
        return CloneOrder(clips, methods=(chosen[0],), language=language.lower())

    def _watched(self, start: Any) -> Iterator[Event]:  # noqa: ANN401  a call with a token
        """The events of a job; it is admitted like those of the page, and a bad end is raised.

        Raises:
            UserError: the job ended badly, or too many others wait.
        """
        key = f"program-{secrets.token_hex(16)}"
        token: CancelToken = self._studio.desk.start(key)
        told_at = 0.0
        try:
            for event in start(token):
                if isinstance(event, Failed):
                    raise error_of(event)
                if isinstance(event, Cancelled):
                    raise EngineError("The work was stopped before its end.")
                if isinstance(event, Progress):
                    if time.monotonic() - told_at < TOLD_EVERY_SECONDS:
                        continue
                    told_at = time.monotonic()
                yield event
        finally:
            self._studio.desk.finish(key, token)

    def _file(self, name: str, data: bytes) -> Told:
        return _as_file(self._studio.laid_ready.put("", name, data))


def report_json(report: CloneReport) -> Told:
    """A report as plain values."""
    return asdict(report)


def _as_file(path: Path) -> Told:
    """A file as Gradio's clients take it away."""
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def _progress(progress: Progress) -> Told:
    return {
        "stage": progress.stage,
        "fraction": round(progress.fraction, 4),
        "seconds_left": progress.seconds_left,
    }


def _voice_json(voice: VoiceInfo) -> Told:
    return {
        "id": voice.id,
        "name": voice.name,
        "family": voice.family,
        "language": voice.language,
        "source": voice.source,
        "tags": list(voice.tags),
        "seconds": voice.seconds,
    }
