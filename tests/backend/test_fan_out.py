"""Requests on several devices: the parts together give what one device gives."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.backend import scripted_cloning as cloning
from webui.arrays import Speaker
from webui.backend.clone_plan import attempts_of
from webui.backend.fan_out import LEAST_TEXTS, in_turn, seeded, split, together
from webui.backend.requests import (
    CloneOrder,
    CloneRequest,
    LoadRequest,
    PairsRequest,
    SpeakRequest,
    UnloadRequest,
)
from webui.clone_results import CloneCandidate, CloneOutcome
from webui.events import (
    AudioChunk,
    Cancelled,
    CancelToken,
    Cloned,
    Done,
    Event,
    Failed,
    Progress,
    Speech,
)
from webui.synthesis.controls import SpeechControls
from webui.training.pairs import NumberedText
from webui.training_results import PairDropped

SOUND = np.zeros(10, np.float32)
VOICE = Speaker(*(np.zeros(shape, np.int64) for shape in (5, (2, 5), (8, 5))))


def takes(count: int) -> SpeakRequest:
    return SpeakRequest("hello", "tiny", controls=SpeechControls(seed=3, takes=count))


def clones(**changes) -> CloneRequest:
    order = CloneOrder((cloning.recording(),), family="tiny", seed=5, report=False)
    return CloneRequest(replace(order, **changes), "tiny")


def pairs(count: int) -> PairsRequest:
    texts = tuple(NumberedText(number, f"text {number}", number) for number in range(count))
    return PairsRequest("tiny", texts, SpeechControls())


def speech(seed: int) -> Speech:
    return Speech(SOUND, 16_000, (), seed, 0.1)


def run(request, scripts: list[list[Event]], cancel: CancelToken | None = None) -> list[Event]:
    """What the whole tells when each part tells what its script says."""
    part = lambda number, stop: iter(scripts[number])  # noqa: E731
    return list(together(request, len(scripts), part, cancel or CancelToken()))


def test_texts_are_dealt_out_and_none_is_lost_or_doubled():
    parts = split(pairs(26), 3)
    numbers = [[each.number for each in part.texts] for part in parts]
    assert numbers == [list(range(first, 26, 3)) for first in range(3)]
    assert len(split(pairs(26), 9)) == 3


@pytest.mark.parametrize(
    "request_", [LoadRequest("tiny"), takes(1), pairs(1), pairs(LEAST_TEXTS), clones()]
)
def test_what_is_one_piece_stays_whole(request_):
    assert split(request_, 4) == [request_]


def test_no_more_parts_are_made_than_there_are_devices_or_pieces():
    assert len(split(takes(3), 8)) == 3
    assert len(split(takes(8), 3)) == 3
    assert len(split(takes(8), 1)) == 1
    assert len(split(takes(8), 0)) == 1
    assert len(split(UnloadRequest(), 4)) == 4


def test_the_shares_of_a_cloning_order_are_all_its_clones():
    order = clones(methods=("quantizer", "transcript"), windows=2, takes=3)
    parts = split(order, 3)
    whole = attempts_of(order.order, order.order.methods, cloning.WINDOWS)
    assert len(split(order, 100)) == len(whole) == 8
    shares = [whole[part.share[0] :: part.share[1]] for part in parts]
    assert sorted(each.number for share in shares for each in share) == list(range(8))


def test_a_seed_is_chosen_once_for_all_parts_and_tries():
    bare = SpeakRequest("hello", "tiny", controls=SpeechControls(takes=2))
    chosen = seeded(bare)
    assert chosen.controls.seed is not None
    assert seeded(chosen) is chosen
    first, second = split(chosen, 2)
    assert first.controls == second.controls == chosen.controls
    order = seeded(clones(seed=None))
    assert order.order.seed is not None


def test_takes_come_in_their_order_and_nothing_is_played_while_they_are_made():
    scripts: list[list[Event]] = [
        [AudioChunk(0, 1, "", SOUND, 16_000), Done(speech(0)), Done(speech(2))],
        [Done(speech(1))],
    ]
    events = run(takes(3), scripts)
    assert [each.result.seed for each in events] == [0, 1, 2]
    assert [each.result.seed for each in in_turn([scripts[0][1:], scripts[1]])] == [0, 1, 2]


def test_progress_is_the_mean_of_the_parts_and_never_falls():
    first = [Progress("semantic", 0.2, 8.0), Progress("semantic", 0.8, 2.0), Done(speech(0))]
    second = [Progress("semantic", 0.5, 5.0), Progress("load", 0.0), Done(speech(1))]
    events = run(takes(2), [first, second])
    fractions = [each.fraction for each in events if isinstance(each, Progress)]
    assert fractions == sorted(fractions)
    assert max(fractions) <= 1.0
    assert events[0].seconds_left is None  # one part has said nothing yet


def test_numbered_results_pass_at_once_and_one_end_follows():
    scripts = [
        [PairDropped(0, "silent"), Done()],
        [PairDropped(1, "length"), PairDropped(3, "silent"), Done()],
    ]
    *dropped, last = run(pairs(4), scripts)
    assert sorted(each.number for each in dropped) == [0, 1, 3]
    assert isinstance(last, Done)


def test_one_failure_stops_the_other_parts_and_is_told_once():
    def part(number: int, stop: CancelToken):
        if number == 0:
            yield Failed("The family is not here.")
            return
        while not stop.cancelled:
            yield Progress("semantic", 0.1)
        yield Cancelled()

    events = list(together(takes(2), 2, part, CancelToken()))
    assert events[-1] == Failed("The family is not here.")
    assert not any(isinstance(each, Cancelled | Done) for each in events)


def test_a_cancel_reaches_every_part():
    cancel, stopped = CancelToken(), []

    def part(number: int, stop: CancelToken):
        while not stop.cancelled:
            yield Progress("semantic", 0.1)
        stopped.append(number)
        yield Cancelled()

    stream = together(takes(3), 3, part, cancel)
    next(stream)
    cancel.cancel()
    *_, last = stream
    assert isinstance(last, Cancelled)
    assert sorted(stopped) == [0, 1, 2]


def test_closing_the_stream_stops_every_part():
    ended = threading.Event()

    def part(number: int, stop: CancelToken):
        while not stop.cancelled:
            yield Progress("semantic", 0.1)
        ended.set()

    stream = together(takes(2), 2, part, CancelToken())
    next(stream)
    stream.close()
    assert ended.wait(30)


def outcome(request: CloneRequest, scores: list[float], failures=()) -> CloneOutcome:
    attempts = attempts_of(
        request.order, request.order.methods, cloning.WINDOWS[: request.order.windows]
    )
    share = attempts[request.share[0] :: request.share[1]]
    made = [
        CloneCandidate(VOICE, each.method, each.window, each.seed, 0.1, cloning.report(score))
        for each, score in zip(share, scores, strict=False)
    ]
    made.sort(key=lambda each: -each.report.score)
    check = cloning.ScriptedCloning().check
    sound = np.full(10, made[0].report.score if made else 0.0, np.float32)
    return CloneOutcome("tiny", tuple(made), check, sound, 16_000, len(made), failures)


def test_clones_are_ranked_together_as_on_one_device():
    whole = clones(methods=("transcript",), windows=2, takes=2)
    alone = outcome(whole, [0.5, 0.9, 0.7, 0.7])
    first, second = split(whole, 2)
    scripts = [
        [Cloned(outcome(first, [0.5, 0.7])), Done()],
        [Cloned(outcome(second, [0.9, 0.7])), Done()],
    ]
    cloned, last = run(whole, scripts)
    assert isinstance(last, Done)
    made = cloned.outcome.candidates
    assert [(each.window, each.seed, each.report.score) for each in made] == [
        (each.window, each.seed, each.report.score) for each in alone.candidates
    ]
    np.testing.assert_array_equal(cloned.outcome.reference, alone.reference)
    assert cloned.outcome.compute_seconds == 2


def test_a_share_without_a_clone_is_a_note_and_all_without_one_are_a_failure():
    whole = clones(methods=("quantizer", "transcript"))
    first, second = split(whole, 2)
    fault = (("quantizer", "There is no quantizer."),)
    good = outcome(second, [0.5])
    cloned, _ = run(whole, [[Cloned(outcome(first, [], fault)), Done()], [Cloned(good), Done()]])
    (best,) = cloned.outcome.candidates
    assert best.notes == ("Method 2 (quantizer) failed: There is no quantizer.",)
    empty = outcome(second, [], (("transcript", "Nobody spoke."),))
    (last,) = run(whole, [[Cloned(outcome(first, [], fault)), Done()], [Cloned(empty), Done()]])
    assert last.kind == "CloneError"
    assert "There is no quantizer." in last.message
    assert "Nobody spoke." in last.message
