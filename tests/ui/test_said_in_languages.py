"""What the page says of its work, as it happens, has words in every language."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fake_cloning import fake_report, fake_speaker
from tests.fake_service import VOICES
from tests.fake_training import COMPARISON, REPORT
from tests.ui.clone_values import clip, filled, recording
from tests.ui.interface_words import KnownWords, blocks
from webui.backend.facts import EngineStatus, VoiceDetails
from webui.backend.marking import STATE_WORDS
from webui.backend.project_facts import Card, ChapterInfo, ProjectDetails, ProjectInfo
from webui.backend.requests import TrainingOrder
from webui.backend.status import service_status
from webui.backend.training_facts import TrainingDetails, TrainingInfo, TrainingSample
from webui.clone_results import CloneCandidate, Finding, RecordingCheck, SentenceHeard, Window
from webui.cloning import findings
from webui.errors import UserError
from webui.events import Progress
from webui.speaker_metadata import SpeakerMetadata
from webui.synthesis.controls import SpeechControls
from webui.training_results import PHONE_CLASSES, PairsRead
from webui.ui import clone_run, long_words, models_tab, training_words
from webui.ui.clone_check import ADVICE, CheckedClips
from webui.ui.clone_reading import TEXTS, reading_words
from webui.ui.clone_report import candidate_label, ranking_rows, report_words, verdict_words
from webui.ui.first_steps import CHOOSE_WORDS, CLONE_WORDS, HEAR_WORDS
from webui.ui.library_words import card_words, nothing_words
from webui.ui.messages import STAGES, fault_words, progress_words, time_words
from webui.ui.page_languages import page_languages
from webui.ui.speak_form import with_controls
from webui.ui.speak_run import speak
from webui.ui.status_strip import strip_words
from webui.ui.takes import new_owner
from webui.ui.text_facts import Pace, text_facts
from webui.ui.training_sample import heard_label, note_words

# What visitors wrote, names of ours that stay, and what the scripted service says.
STAYING = frozenset(
    {
        *TEXTS.values(),
        "Mini",
        "cpu",
        "cuda",
        "fp32",
        "mini",
        "This sounds like the speaker.",
        "This speaker file does not fit together.",
    }
)
FULL = "The memory is full. Choose a smaller family, a shorter text, or close other programs."
CHECK = RecordingCheck(
    6.5, 5.2, -21.0, 34.0, 0.0, ((0.3, 6.1),), (Window(2.0, 6.0, 0.9, True), Window(0, 3, 0.2))
)
CLONE = CloneCandidate(
    fake_speaker(), "quantizer", Window(1.4, 8.1, 0.9, True), 7, 0.5, fake_report()
)
TEXT = ProjectInfo("a-1", "Peter Pan", 2, 4, 0, 0.0, "2026-01-02T03:04:05")
CARDS = (
    Card("1", "The sun.", state="done", seconds=1.2, takes=1, locked=True, start_seconds=3.0),
    Card("2", "The moon.", "ANNA", state="failed", takes=2),
)
DETAILS = ProjectDetails(TEXT, (ChapterInfo("One", CARDS),), {"": "ada"}, "mini")
TRAINING = TrainingInfo(
    "german-1", "Deutsch A", "mini", "de", "running", "2026", 1_500, 120,
    architecture="version_2", stage="pairs", fraction=0.05, words="120 of 1500 pairs",
)  # fmt: skip
FIGURES = replace(REPORT, by_class=dict.fromkeys(PHONE_CLASSES, 0.5))


def said_of_progress():
    for stage in STAGES:
        yield progress_words(Progress(stage, 0.5, 9.2, 1, 5))
        yield progress_words(Progress(stage, 0.5, 5_500.0, 0, 3, "Encoding the sound"), "voice")
    yield progress_words(Progress("queued", 0, message="2 before you"))
    yield progress_words(Progress("load", 0.1, message="Loading Bark small: fine"))
    yield progress_words(Progress("semantic", 0.1, 120.0, 0, 4, "try 2"))
    yield from (f"about {time_words(seconds)} left" for seconds in (3, 600, 9_000))


def said_of_clones():
    words = (
        findings.MUSIC_WORDS, findings.CLIPPED_WORDS, findings.QUIET_WORDS,
        findings.SEVERAL_SPEAKERS_WORDS,
    )  # fmt: skip
    found = tuple(Finding("music", each) for each in words)
    for check in (CHECK, replace(CHECK, findings=found)):
        clips = CheckedClips((recording(), recording(name="bob.wav")), check)
        yield clips.words()
        yield from (label for label, _ in clips.choices())
    unheard = SentenceHeard("Good day.", None, None), SentenceHeard("Good day.", "", 0.0)
    report = replace(fake_report(), sentences=(*fake_report().sentences, *unheard))
    for each in (CLONE, replace(CLONE, report=None), replace(CLONE, report=report)):
        yield verdict_words(each)
        yield report_words(each)
    takes = [CLONE, replace(CLONE, seed=9), replace(CLONE, method="transcript", seed=3)]
    yield from (candidate_label(takes, index) for index in range(3))
    yield from (cell for row in ranking_rows(takes) for cell in row)
    yield from (reading_words(code) for code in TEXTS)
    yield ADVICE


def said_of_long_texts():
    running = replace(TEXT, running=True, done=1, fraction=0.25)
    texts = (
        None, TEXT, running, replace(running, seconds_left=90.0), replace(TEXT, done=4, seconds=9),
        replace(TEXT, done=1, seconds=9), replace(TEXT, broken="This is not a speaker file."),
        replace(TEXT, chapters=1, cards=1),
    )  # fmt: skip
    for info in texts:
        yield long_words.status_words(info, DETAILS)
        yield long_words.list_row(info)[1] if info else ""
    for card in CARDS:
        yield long_words.card_row(1, card)[1]
        yield long_words.card_title(1, card)
    yield long_words.chapter_label(0, DETAILS.chapters[0])
    yield long_words.NO_CARD


def said_of_trainings():
    done = replace(TRAINING, state="done", accuracy=0.812, report=FIGURES, installed="deutsch")
    stopped = replace(TRAINING, state="stopped", accuracy=0.7, dropped={"silent": 2, "length": 1})
    failed = replace(TRAINING, state="failed", words=FULL)
    yield training_words.status_words(None)
    for info in (TRAINING, replace(TRAINING, seconds_left=720.0), done, stopped, failed):
        yield training_words.status_words(info)
        yield training_words.row(info)[2]
    for info, how in ((done, {"augment": True, "layer": 7}), (stopped, {}), (TRAINING, {})):
        details = TrainingDetails(info, TrainingOrder("Deutsch A", **how), (), 3_700.0)
        yield training_words.card_words(details).split("\n", 1)[1]
    yield training_words.read_words(PairsRead(120, {"unspoken": 3, "damaged": 1}))
    yield training_words.read_words(PairsRead(120, {}))
    for better in ("second", "alike"):
        found = replace(COMPARISON, better=better)
        yield training_words.comparison_words(found, "Deutsch A", "Deutsch B")
    yield heard_label(1_500)
    yield note_words(TrainingSample(10, 0.5, "Ein Satz.", "Ada", "a", "b"))
    yield note_words(TrainingSample(10, 0.5, "", "", "a", "b"))


def said_of_voices():
    origin = SpeakerMetadata(
        name="Ada", family="mini", method="quantizer", quantizer="mini-en", consent=True,
        consent_text="This is my voice, or the speaker agreed that I clone it.", notes="Mine.",
        reference_seconds=7.5, window="1.0-7.0", similarity=0.8, created="2026-11-26T12:00:00",
    )  # fmt: skip
    for voice in VOICES:
        yield card_words(VoiceDetails(voice, origin if not voice.broken else SpeakerMetadata()))
    yield from (nothing_words(shown, "") for shown in ("all", "mine", "favourites"))
    yield nothing_words("all", "Zed")


def said_of_speech(studio, folder):
    form = replace(with_controls(SpeechControls()), text="Good morning.", family="mini")
    yield from (each.status or "" for each in speak(studio, form, new_owner(), "p"))
    yield from (take.title for take in studio.shelf.list(new_owner()))
    given = filled(clip(folder))
    yield from (each.status or "" for each in clone_run.clone(studio, given, new_owner(), "p"))
    pace = Pace()
    pace.learn("mini", 2.0, 3.0)
    yield text_facts("Good morning.", "mini", 200, pace)
    yield text_facts("Good morning." * 30, "mini", 200, pace)
    yield fault_words(UserError("This recording holds no sound."))
    yield "Something went wrong (code 7F3A). Nothing was lost; please try again."


def said_of_models(studio):
    service = studio.service
    yield strip_words(studio).words
    yield models_tab.facts(studio)
    for family in service.families():
        yield models_tab.terms(family, studio.settings.models_dir)
        yield models_tab.choice_label(family)
        yield models_tab.STATES[family.state]
    for engine in (
        EngineStatus(False, device="cpu"),
        EngineStatus(True, device="cuda", stage="load", fraction=0.3),
        EngineStatus(True, device="cuda", stage="train", fraction=0.3, waiting=2),
        EngineStatus(True, device="cuda", stage="fine", fraction=0.3, devices=2),
    ):
        status = service_status(engine, service.families(), "mini", None)
        percent = "" if status.fraction is None else f" {status.fraction:.0%}"
        yield f"**{status.headline}**{percent} · {status.detail}"
    yield from (f"- Watermark: {words}" for words in STATE_WORDS.values())
    yield from (HEAR_WORDS, CHOOSE_WORDS, CLONE_WORDS)


@pytest.mark.parametrize("language", page_languages(), ids=lambda each: each.code)
def test_all_that_the_page_says_of_its_work_is_translated(language, studio, tmp_path):
    said = [
        *said_of_progress(), *said_of_clones(), *said_of_long_texts(), *said_of_trainings(),
        *said_of_voices(), *said_of_speech(studio, Path(tmp_path)), *said_of_models(studio),
    ]  # fmt: skip
    texts = {text for each in said for text in blocks(each)}
    assert len(texts) > 200
    assert KnownWords(language.words, STAYING).missing(texts) == []
