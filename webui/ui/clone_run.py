"""One cloning from the press of the button to the clones on the shelf, told as what is shown."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from webui.backend.cloning_desk import CONSENT
from webui.clone_results import CloneOutcome
from webui.errors import UserError
from webui.events import Cancelled, CancelToken, Cloned, Event, Failed, Progress
from webui.ui.clone_form import CloneForm, voice_tags
from webui.ui.clone_shelf import MadeClones
from webui.ui.messages import fault_words, plain, progress_words, time_words
from webui.ui.studio import Studio

SHOWN_EVERY_SECONDS = 0.25
WITHOUT_RESULT = "The work ended without a result. Please try it again."


@dataclass(frozen=True, eq=False)
class CloneShown:
    """A change of the page; None leaves a part as it is."""

    status: str | None = None  # markdown, safe
    made: MadeClones | None = None
    running: bool = True


def clone(studio: Studio, form: CloneForm, owner: str, page: str) -> Iterator[CloneShown]:
    """Run one cloning; every fault becomes a line of words.

    Args:
        studio: what the tabs share.
        form: the widgets' values.
        owner: the secret of the browser that keeps the clones.
        page: the key of the open page, by which Stop finds the job.
    """
    token: CancelToken | None = None
    try:
        order = form.order(studio, studio.clips.read_all(form.paths()))
        filled = form.voice_name(), voice_tags(form.tags)
        token = studio.desk.start(job_key(page), "cloning")
        yield CloneShown("Starting…")
        started, outcome = time.monotonic(), None
        for shown in _told(studio.service.clone(order, token)):
            if isinstance(shown, CloneOutcome):
                outcome = shown
            else:
                yield shown
        if outcome is not None:
            spent = time.monotonic() - started
            made = MadeClones(order, outcome, *filled, consent=CONSENT, seconds=spent)
            studio.clones.put(owner, made)
            studio.desk.finish(job_key(page), token)  # Clone may be pressed again once it is shown
            token = None
            yield CloneShown(plain(done_words(made)), made, running=False)
    except UserError as fault:
        yield CloneShown(f"**{plain(str(fault))}**", running=False)
    except Exception as fault:  # noqa: BLE001  the edge of the page: a fault without words helps nobody
        yield CloneShown(f"**{plain(fault_words(fault))}**", running=False)
    finally:
        if token is not None:
            studio.desk.finish(job_key(page), token)


def job_key(page: str) -> str:
    """How a page's cloning is called on the desk: it may speak at the same time."""
    return f"{page}/clone"


def done_words(made: MadeClones) -> str:
    """Say what was made."""
    count = len(made.outcome.candidates)
    what = "one voice" if count == 1 else f"{count} voices"
    return f"Done: {what} in {time_words(made.seconds)}. Listen below, then keep what you like."


def _told(events: Iterator[Event]) -> Iterator[CloneShown | CloneOutcome]:
    """Turn the events of a job into what is shown, and hand out its result."""
    shown_at, shown_step = 0.0, ("", -1)
    outcome: CloneOutcome | None = None
    ended = False
    for event in events:
        if isinstance(event, Progress):
            now, step = time.monotonic(), (event.stage, event.chunk)
            if step != shown_step or now - shown_at >= SHOWN_EVERY_SECONDS:
                shown_step, shown_at = step, now
                yield CloneShown(progress_words(event, "voice"))
        elif isinstance(event, Cloned):
            outcome = event.outcome
        elif isinstance(event, Cancelled):
            ended = True
            yield CloneShown("Stopped. Nothing was cloned; what you gave is kept.", running=False)
        elif isinstance(event, Failed):
            ended = True
            yield CloneShown(f"**{plain(event.message)}**", running=False)
    if outcome is not None and outcome.candidates and not ended:
        yield outcome
    elif not ended:
        yield CloneShown(f"**{WITHOUT_RESULT}**", running=False)
