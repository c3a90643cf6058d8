"""A job that is begun again tells nothing twice and computes only what is missing."""

import numpy as np

from tests.backend.scripted_training import weights_of
from webui.backend.ray_jobs import Delivered
from webui.backend.requests import (
    EvaluateRequest,
    FeaturesRequest,
    PairsRequest,
    SampleOrder,
    SpeakRequest,
    TrainRequest,
)
from webui.events import AudioChunk, Done, Failed, Progress
from webui.synthesis.controls import SpeechControls
from webui.training.pairs import NumberedText
from webui.training_results import (
    FeaturesHeard,
    PairDropped,
    SampleHeard,
    SampleMissed,
    TrainingPoint,
)

SOUND = np.zeros(10, np.float32)
SPEAK = SpeakRequest("hello", "tiny")


def chunk(index: int) -> AudioChunk:
    return AudioChunk(index, 3, "", SOUND, 16_000)


def test_the_second_run_passes_only_what_the_first_had_not_told():
    delivered = Delivered()
    assert all(delivered.is_new(chunk(index)) for index in (0, 1))
    assert delivered.rest_of(SPEAK) is SPEAK
    assert [delivered.is_new(chunk(index)) for index in (0, 1, 2)] == [False, False, True]
    delivered.rest_of(SPEAK)
    assert [delivered.is_new(chunk(index)) for index in (0, 1, 2)] == [False] * 3
    assert delivered.is_new(Done())
    delivered.rest_of(SPEAK)
    assert [delivered.is_new(Done()), delivered.is_new(Done())] == [False, True]  # of two takes


def test_how_far_it_is_and_how_it_ended_are_always_told():
    delivered = Delivered()
    for _ in range(2):
        assert delivered.is_new(Progress("semantic", 0.1))
        assert delivered.is_new(Failed("No."))
        delivered.rest_of(SPEAK)


def test_pairs_that_are_there_are_not_spoken_again():
    delivered = Delivered()
    texts = tuple(NumberedText(number, "text", number) for number in range(4))
    request = PairsRequest("tiny", texts, SpeechControls())
    for number in (2, 0):
        assert delivered.is_new(PairDropped(number, "silent"))
    rest = delivered.rest_of(request)
    assert [each.number for each in rest.texts] == [1, 3]
    assert not delivered.is_new(PairDropped(0, "silent"))


def test_features_that_are_there_are_not_heard_again():
    delivered = Delivered()
    request = FeaturesRequest("tiny", tuple((number, SOUND, 16_000) for number in range(3)))
    assert delivered.is_new(FeaturesHeard(1, np.zeros((2, 4), np.float16)))
    assert [each[0] for each in delivered.rest_of(request).sounds] == [0, 2]


def test_a_point_of_a_curve_is_drawn_once():
    delivered = Delivered()
    point = TrainingPoint(7, 0.1, 1.0, 2.0, None, None, None)
    assert delivered.is_new(point)
    delivered.rest_of(SPEAK)
    assert not delivered.is_new(point)


def test_every_sample_is_told_and_none_is_made_twice():
    delivered = Delivered()
    order = SampleOrder("tiny", object())
    training = TrainRequest(object(), object(), sample=order)
    heard = SampleHeard(3, 0.5, SOUND, 16_000)
    for _ in range(2):
        assert delivered.is_new(heard)
        assert delivered.is_new(SampleMissed(4, "Full."))
        again = delivered.rest_of(training)
        assert (again.sample.known, again.sample.speech) == (0.5, order.speech)
    assert delivered.rest_of(TrainRequest(object(), object())).sample is None
    judging = EvaluateRequest(object(), object(), weights_of(3), sample=order)
    assert delivered.rest_of(judging).sample.known == 0.5
    assert Delivered().rest_of(judging).sample is order
