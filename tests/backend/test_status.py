"""One line about the whole app: the most important thing first."""

import dataclasses

import pytest

from webui.backend.facts import EngineStatus, FamilyInfo, LoadedFamily, ServiceStatus
from webui.backend.requests import SpeakOrder
from webui.backend.status import service_status
from webui.events import AudioChunk, Cancelled, Done, Failed, Progress

MINI = FamilyInfo("mini", "Mini", "installed", 1, "MIT")
BARK = FamilyInfo("bark", "Bark", "available", 1, "MIT")
DAMAGED = dataclasses.replace(MINI, state="damaged", broken="A file is missing.")
COMING = dataclasses.replace(BARK, state="downloading", fraction=0.3)
IDLE = EngineStatus(running=False, device="cpu", device_name="CPU", precision="int8")
BUSY = dataclasses.replace(IDLE, running=True, waiting=2, stage="coarse", fraction=0.4)
LOADING = dataclasses.replace(IDLE, running=True, stage="load", fraction=0.1)
ASLEEP = dataclasses.replace(IDLE, asleep=True)
FULL = Failed("The memory is full.", "DeviceMemoryError")


def shown(status: ServiceStatus) -> tuple[str, str, str, float | None]:
    return status.state, status.headline, status.detail, status.fraction


@pytest.mark.parametrize(
    ("engine", "families", "failure", "expected"),
    [
        (IDLE, [MINI, BARK], None, ("ready", "Ready", "Mini · CPU", None)),
        (EngineStatus(False), [MINI], None, ("ready", "Ready", "Mini", None)),
        (
            dataclasses.replace(IDLE, devices=3), [MINI], None,
            ("ready", "Ready", "Mini · CPU · 3 devices", None),
        ),
        (BUSY, [MINI], None, ("busy", "Speaking", "Mini · CPU · 2 waiting", 0.4)),
        (
            dataclasses.replace(BUSY, waiting=0), [MINI], None,
            ("busy", "Speaking", "Mini · CPU", 0.4),
        ),
        (
            dataclasses.replace(BUSY, stage="listen"), [MINI], None,
            ("busy", "Cloning", "Mini · CPU · 2 waiting", 0.4),
        ),
        (LOADING, [MINI], None, ("loading", "Loading the model", "Mini · CPU", 0.1)),
        (IDLE, [COMING], None, ("downloading", "Downloading", "Bark", 0.3)),
        (IDLE, [DAMAGED, COMING], None, ("downloading", "Downloading", "Bark", 0.3)),
        (
            IDLE, [DAMAGED, BARK], None,
            ("failed", "The model cannot be used", "A file is missing.", None),
        ),
        (
            IDLE, [BARK], None,
            (
                "no_model", "No model yet",
                "Download a family under Models & settings to speak", None,
            ),
        ),
        (IDLE, [MINI], FULL, ("failed", "The last job failed", "The memory is full.", None)),
        (
            ASLEEP, [MINI], None,
            ("asleep", "Asleep", "Mini left the memory and comes back with the next text", None),
        ),
    ],
    ids=[
        "ready", "before the first job", "on a cluster", "busy with others", "busy", "cloning",
        "loading", "downloading",
        "downloading beside a damaged one", "damaged", "no model", "failed", "asleep",
    ],
)  # fmt: skip
def test_each_state_is_told_in_words(engine, families, failure, expected):
    assert shown(service_status(engine, families, "mini", failure)) == expected


@pytest.mark.parametrize(
    ("engine", "families", "failure", "state"),
    [
        (BUSY, [DAMAGED, COMING], FULL, "busy"),
        (LOADING, [COMING], FULL, "loading"),
        (IDLE, [DAMAGED], FULL, "failed"),
        (ASLEEP, [MINI, COMING], FULL, "failed"),
        (ASLEEP, [MINI, COMING], None, "asleep"),
        (IDLE, [MINI, COMING], None, "ready"),
        (IDLE, [MINI], Failed("Type something.", "TextError"), "ready"),
        (IDLE, [MINI], Failed("Gone.", "VoiceNotFoundError"), "ready"),
        (IDLE, [MINI], Failed("It ended.", "EngineError"), "failed"),
        (
            dataclasses.replace(ASLEEP, loaded=(LoadedFamily("bark", "fp32", 1),)),
            [MINI], None, "ready",
        ),
    ],
)  # fmt: skip
def test_the_most_important_thing_goes_first(engine, families, failure, state):
    assert service_status(engine, families, "mini", failure).state == state


def test_what_computes_is_told_beside_the_state():
    ready = service_status(IDLE, [MINI], "mini", None)
    assert (ready.family, ready.device, ready.precision) == ("mini", "CPU", "int8")
    assert service_status(IDLE, [DAMAGED], "mini", None).family is None
    card = dataclasses.replace(IDLE, device="cuda:0", device_name="")
    assert service_status(card, [MINI], "mini", None).device == "cuda:0"
    apple = dataclasses.replace(IDLE, device="mps", device_name="")
    assert service_status(apple, [MINI], "mini", None).device == "Apple GPU"


# As the service tells it


def test_a_failure_is_remembered_until_a_job_ends_otherwise(service, engine):
    assert shown(service.status()) == ("ready", "Ready", "Bark small", None)
    for end in (Done(), Cancelled()):
        engine.events = [Progress("semantic", 0.0), FULL]
        list(service.speak(SpeakOrder("hello")))
        assert service.status().detail == "The memory is full."
        engine.events = [Progress("semantic", 0.0)]
        list(service.speak(SpeakOrder("hello")))
        assert service.status().state == "failed"
        engine.events = [Progress("semantic", 0.0), end]
        list(service.speak(SpeakOrder("hello")))
        assert service.status().state == "ready"


def test_a_failure_in_the_middle_of_a_text_is_remembered(service, engine):
    sound = next(each for each in engine.events if isinstance(each, AudioChunk))
    engine.events = [sound, Failed("It ended.", "EngineError")]
    list(service.speak(SpeakOrder("hello")))
    assert service.status().state == "failed"


def test_the_engine_tells_how_it_is_through_the_service(service, engine):
    engine.now = BUSY
    assert service.engine_status() == BUSY
    assert service.status().state == "busy"


def test_closing_stops_the_engine_and_the_downloads(service, engine):
    service.close()
    assert engine.closed
    assert [type(each) for each in service.download("bark")] == [Cancelled]
