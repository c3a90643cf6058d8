"""One speech from the press of Speak to the take on the shelf, told as what the page shows."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from webui.audio import encode_audio
from webui.backend.requests import SpeakOrder
from webui.errors import UserError
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Done,
    Event,
    Failed,
    Progress,
    Speech,
)
from webui.ui.messages import fault_words, plain, progress_words, time_words
from webui.ui.speak_form import SpeakForm
from webui.ui.studio import Studio
from webui.ui.takes import Take

SHOWN_EVERY_SECONDS = 0.25
KEPT_CHUNKS = 2  # of a take: more than a voice is made of


@dataclass(frozen=True, eq=False)
class Shown:
    """A change of the page; None leaves a part as it is."""

    status: str | None = None  # markdown, safe
    sound: bytes | None = None  # a piece for the live player, wav
    take: Take | None = None
    formats_ready: bool = False
    starting: bool = False
    running: bool = True
    played: bool = False  # the live player holds this whole speech and may be playing it
    heard: bool = False  # some of it was played already


def speak(studio: Studio, form: SpeakForm, owner: str, page: str) -> Iterator[Shown]:
    """Run one speech; every fault becomes a line of words.

    Args:
        studio: what the tabs share.
        form: the widgets' values.
        owner: the secret of the browser that keeps the takes.
        page: the key of the open page, by which Stop finds the job.
    """
    token: CancelToken | None = None
    try:
        order = form.order(studio)
        token = studio.desk.start(page)
        yield Shown(status="Starting…", starting=True)
        run = _Run(studio, order, owner)
        yield from run.follow(studio.service.speak(order, token))
        ends = run.end()
        first = next(ends)  # the take is on its shelf now
        studio.desk.finish(page, token)  # before the end is shown: Speak may be pressed again then
        token = None
        yield first
        yield from ends
    except UserError as fault:
        yield Shown(status=f"**{plain(str(fault))}**", running=False)
    except Exception as fault:  # noqa: BLE001  the edge of the page: a fault without words helps nobody
        yield Shown(status=f"**{plain(fault_words(fault))}**", running=False)
    finally:
        if token is not None:
            studio.desk.finish(page, token)


class _Run:
    """Turns the events of one job into what is shown."""

    def __init__(self, studio: Studio, order: SpeakOrder, owner: str) -> None:
        self._studio = studio
        self._order = order
        self._owner = owner
        self._started = time.monotonic()
        self._shown_at = 0.0
        self._shown_step: tuple[str, int] = ("", -1)
        self._played = False
        self._ends: list[Done | Cancelled | Failed] = []

    def follow(self, events: Iterator[Event]) -> Iterator[Shown]:
        """Show the work until it has truly ended."""
        for event in events:
            if isinstance(event, Progress):
                if self._is_news(event):
                    yield Shown(status=progress_words(event))
            elif isinstance(event, AudioChunk):
                if self._studio.has_ffmpeg and len(event.waveform):
                    self._played = True
                    sound = encode_audio(event.waveform, event.sample_rate, "wav")
                    yield Shown(sound=sound)
            elif isinstance(event, Done | Cancelled | Failed):
                self._ends.append(event)

    def end(self) -> Iterator[Shown]:
        """Show what came of it."""
        for event in self._ends:
            if isinstance(event, Done):
                yield from self._finish(event.result, "")
            elif isinstance(event, Cancelled):
                yield from self._stopped(event.partial)
            else:
                yield Shown(status=f"**{plain(event.message)}**", running=False)
        if not self._ends:
            words = "The work ended without a result. Please try it again."
            yield Shown(status=f"**{words}**", running=False)

    def _is_news(self, progress: Progress) -> bool:
        now, step = time.monotonic(), (progress.stage, progress.chunk)
        if step == self._shown_step and now - self._shown_at < SHOWN_EVERY_SECONDS:
            return False
        self._shown_step, self._shown_at = step, now
        return True

    def _stopped(self, partial: Speech | None) -> Iterator[Shown]:
        if partial is None or not len(partial.waveform):
            yield Shown(status="Stopped. Nothing was spoken yet.", running=False)
            return
        count = len(partial.chunks)
        kept = "The part already spoken is" if count == 1 else f"The {count} parts spoken are"
        yield from self._finish(partial, f"Stopped. {kept} kept.")

    def _finish(self, speech: Speech | None, stopped: str) -> Iterator[Shown]:
        if speech is None or not len(speech.waveform):
            words = "Nothing was spoken. Please give a text with words in it."
            yield Shown(status=f"**{words}**", running=False)
            return
        shelf = self._studio.shelf
        take = self._take(speech, bool(stopped))
        self._studio.pace.learn(take.family, take.seconds, take.compute_seconds)
        note = shelf.put(self._owner, take, speech.waveform, speech.sample_rate)
        spent = time_words(time.monotonic() - self._started)
        seed = take.order.controls.seed
        lines = [stopped or f"Done: {take.seconds:.1f} s of speech in {spent}. Seed {seed}."]
        lines += [*speech.notes, *([note] if note else [])]
        status = "  \n".join(plain(line) for line in lines)
        played = self._played and not stopped
        end = Shown(status, take=take, running=False, played=played, heard=self._played)
        yield end
        shelf.add_formats(take, speech.waveform, speech.sample_rate)
        yield replace(end, status=None, formats_ready=True)

    def _take(self, speech: Speech, stopped: bool) -> Take:
        shelf, order = self._studio.shelf, self._order
        controls = replace(order.controls, seed=speech.seed)
        family = speech.family or order.family or ""
        voice = "any voice"
        if order.voice is not None:
            voice = self._studio.visible_voice(order.voice, family).name
        return Take(
            number=shelf.next_number(self._owner),
            order=replace(order, controls=controls),
            family=family,
            voice_name=voice,
            seconds=len(speech.waveform) / speech.sample_rate,
            compute_seconds=speech.compute_seconds,
            folder=shelf.new_folder(),
            stopped=stopped,
            chunks=speech.chunks[-KEPT_CHUNKS:],
        )
