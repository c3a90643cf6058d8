"""A speech is judged by what its controls ask for and what is here; what is not is said."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from tests.quality.listeners import RATE, ScriptedRecogniser, ToneEncoder, tone
from webui.arrays import Speaker
from webui.backend.requests import SpeakRequest
from webui.backend.speech_judges import speech_judge
from webui.synthesis.controls import SpeechControls
from webui.synthesis.judging import Attempt

VOICE = Speaker(np.zeros(150, np.int64), np.zeros((2, 150), np.int64), np.zeros((8, 150), np.int64))


class Parts:
    """The networks of cloning that are here."""

    def __init__(self, recogniser=None, encoder=None):
        self.asked = []
        self._recogniser, self._encoder = recogniser, encoder

    def recogniser(self, language):
        self.asked.append(language)
        return self._recogniser

    def speaker_encoder(self):
        self.asked.append("encoder")
        return self._encoder


def judge_of(parts, language="en", **controls):
    request = SpeakRequest("Hello.", "mini", VOICE, SpeechControls(**controls), language)
    models = SimpleNamespace(codec=SimpleNamespace(decode=lambda fine: tone(3.0)))
    make = getattr(speech_judge, "__wrapped__", speech_judge)  # without the check of types
    return make(request, models, parts)


def test_only_what_is_asked_for_listens():
    parts = Parts(ScriptedRecogniser("hello"), ToneEncoder())
    judge, notes = judge_of(parts, verify=True)
    assert (parts.asked, notes) == (["en"], ())
    assert judge.judge(Attempt("Hello.", tone(2.0, 990.0), RATE, VOICE)).is_right
    parts.asked.clear()
    judge, notes = judge_of(parts, guard_drift=True, verify_tries=5)
    assert (parts.asked, notes, judge.tries) == (["encoder"], (), 5)
    assert judge.judge(Attempt("Other words.", tone(2.0), RATE, VOICE)).is_right
    assert judge.judge(Attempt("Other words.", tone(2.0, 990.0), RATE, VOICE)).is_drifted


def test_what_is_not_here_is_said_and_the_speech_goes_on():
    judge, notes = judge_of(Parts(), language="de", verify=True, guard_drift=True)
    assert judge is None
    assert 'no recogniser for the language "de"' in notes[0]
    assert "resemblyzer" in notes[1]
    judge, notes = judge_of(Parts(encoder=ToneEncoder()), verify=True, guard_drift=True)
    assert judge is not None
    assert len(notes) == 1


def test_the_likeness_is_measured_against_the_voice_of_the_request():
    judge, _ = judge_of(Parts(encoder=ToneEncoder()), guard_drift=True)
    verdict = judge.judge(Attempt("Hello.", tone(2.0), RATE, VOICE))
    assert verdict.similarity == pytest.approx(1.0, abs=0.01)
    assert dataclasses.replace(verdict, similarity=None).is_right
