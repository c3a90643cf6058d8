"""Cloning in the worker: which clones are made, how they are ranked, how it ends."""

import dataclasses

import numpy as np
import pytest

from tests.backend.family_files import FakeLoader, FakeModels, add_tiny
from tests.backend.scripted_cloning import (
    RATE,
    WINDOWS,
    ScriptedCloning,
    recording,
    voice,
)
from webui.backend import model_manager
from webui.backend.clone_jobs import REFERENCE_SECONDS, CloneJobs
from webui.backend.cloning_models import CloningModels
from webui.backend.cloning_parts import CloningParts
from webui.backend.device import Device
from webui.backend.family_folders import FamilyFolders
from webui.backend.model_manager import MemoryPlan, ModelManager
from webui.backend.requests import CheckRequest, CloneOrder, CloneRequest, ReportRequest
from webui.backend.worker import Worker
from webui.clone_results import Finding, Window
from webui.errors import CloneError, TextError
from webui.events import (
    Cancelled,
    CancelToken,
    Checked,
    Cloned,
    Done,
    Failed,
    Progress,
    Reported,
)
from webui.family import read_family
from webui.settings import Settings

CPU = Device("cpu", "CPU", "fp32")


class FakeCodec:
    sample_rate = RATE

    def decode(self, fine):
        return np.full(fine.shape[1], fine[0, 0], np.float32)


class LoaderWithACodec(FakeLoader):
    def __call__(self, folder, device, precision, progress):
        models: FakeModels = super().__call__(folder, device, precision, progress)
        object.__setattr__(models, "family", read_family(folder))
        object.__setattr__(models, "codec", FakeCodec())
        return models


@pytest.fixture
def script():
    return ScriptedCloning()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A family that brings its own encoder and quantizer."""
    monkeypatch.setattr(model_manager, "release_memory", lambda device: None)
    monkeypatch.setattr(model_manager, "free_bytes", lambda device: None)
    folder = add_tiny(tmp_path, "ada")
    for part in ("hubert", "quantizer"):
        (folder / part).mkdir()
        (folder / part / "own.safetensors").write_bytes(b"x" * 50)
    return folder


@pytest.fixture
def worker(script, folder):
    root = folder.parent
    manager = ModelManager(FamilyFolders((root,)), CPU, MemoryPlan(), LoaderWithACodec())
    models = CloningModels(CloningParts(root), manager, script.loaders())
    jobs = CloneJobs(manager, models, script.tools())
    made = Worker(Settings(models_dir=root), manager, lambda manager, models: jobs)
    made._models = models
    return made


def order(*methods, **changes):
    return CloneOrder((recording(),), methods or ("quantizer",), seed=11, **changes)


def run(worker, request, cancel=None):
    return list(worker.run(request, cancel or CancelToken()))


def clone(worker, what, bases=()):
    return run(worker, CloneRequest(what, "ada", bases))


def outcome(events):
    *_, cloned, done = events
    assert isinstance(cloned, Cloned), cloned
    assert isinstance(done, Done)
    return cloned.outcome


def failure(events):
    (*_, last) = events
    assert isinstance(last, Failed)
    return last


# What is made


def test_the_default_method_makes_one_clone_of_the_best_part_and_judges_it(worker, script):
    made = outcome(clone(worker, order()))
    (one,) = made.candidates
    assert (one.method, one.window, one.seed, one.sample_rate) == (
        "quantizer", WINDOWS[0], 11, RATE,
    )  # fmt: skip
    assert one.notes == ("Made by quantizer.",)
    assert one.details == {"quantizer": "mini"}
    assert one.report.score == 0.5
    assert script.calls("speak") == [("one.", 1, 11), ("two.", 1, 11)]
    assert len(one.speech) == 200 + int(0.4 * RATE)
    assert made.family == "ada"
    assert made.check is script.check
    assert (made.sample_rate, len(made.reference)) == (RATE, 5 * RATE)


def test_methods_parts_and_takes_are_multiplied_and_the_sure_method_has_one_take(worker, script):
    what = order("quantizer", "transcript", "conversion", windows=2, takes=2, transcript="a b")
    made = outcome(clone(worker, what)).candidates
    found = sorted((each.method, each.window.score, each.seed) for each in made)
    assert found == sorted(
        [("quantizer", score, 11) for score in (0.9, 0.5)]
        + [
            (method, score, seed)
            for method in ("transcript", "conversion")
            for score in (0.9, 0.5)
            for seed in (11, 12)
        ]
    )
    assert script.names().count("load listener") == 1
    assert script.names().count("load converter") == 1


def test_a_method_that_is_named_twice_is_tried_once(worker):
    assert len(outcome(clone(worker, order("quantizer", "quantizer"))).candidates) == 1


def test_clones_are_ranked_by_their_reports_the_best_one_first(worker, script):
    script.scores = [0.2, 0.9, 0.4]
    what = order("quantizer", "transcript", "conversion", transcript="a b")
    made = outcome(clone(worker, what)).candidates
    assert [each.method for each in made] == ["transcript", "conversion", "quantizer"]
    assert [each.report.score for each in made] == [0.9, 0.4, 0.2]


def test_a_clone_speaks_with_each_ending_and_the_best_one_is_kept(worker, script, folder):
    script.ends, script.scores = 3, [0.4, 0.8, 0.6]
    (one,) = outcome(clone(worker, order())).candidates
    assert [called[1] for called in script.calls("speak")] == [1, 1, 101, 101, 201, 201]
    assert int(one.speaker.fine[0, 0]) == 101
    assert one.report.score == 0.8
    assert one.details == {"quantizer": "mini"}
    seconds = 10 / read_family(folder).semantic.rate_hz
    assert one.notes == (
        "Made by quantizer.",
        f"The last {seconds:.1f} s of the part were cut: so the clone is more like it.",
    )


def test_where_endings_are_equally_good_the_whole_voice_stays(worker, script):
    script.ends = 3
    (one,) = outcome(clone(worker, order())).candidates
    assert int(one.speaker.fine[0, 0]) == 1
    assert one.notes == ("Made by quantizer.",)


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_as_many_endings_are_tried_as_asked(worker, script, asked):
    script.ends = 9
    outcome(clone(worker, order(endings=asked)))
    assert script.calls("endings") == [(1, asked)]
    assert len(script.calls("report")) == asked


def test_an_ending_that_cannot_be_judged_is_not_kept(worker, script):
    script.ends, script.mute = 2, (1,)
    (one,) = outcome(clone(worker, order())).candidates
    assert int(one.speaker.fine[0, 0]) == 101
    assert not any("could not be judged" in note for note in one.notes)


def test_without_a_report_no_other_ending_is_tried(worker, script):
    script.ends = 3
    outcome(clone(worker, order(report=False)))
    assert script.calls("endings") == []


def test_without_a_speaker_encoder_nobody_could_tell_which_ending_is_more_like(worker, script):
    script.ends, script.encoder = 3, None
    outcome(clone(worker, order()))
    assert len(script.calls("report")) == 1


@pytest.mark.parametrize("ends", [1, 2, 3])
def test_progress_goes_on_however_many_endings_there_are(worker, script, ends):
    script.ends = ends
    events = clone(worker, order("quantizer", "transcript", transcript="a b"))
    fractions = [each.fraction for each in events if isinstance(each, Progress)]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1.0
    assert fractions[-1] > 0.9 or ends < 3, "what is planned is done"


def test_the_reference_of_the_outcome_is_the_part_of_the_best_clone(worker, script):
    script.scores = [0.1, 0.8]
    made = outcome(clone(worker, order(windows=2)))
    assert made.candidates[0].window == WINDOWS[1]
    assert len(made.reference) == 4 * RATE


def test_without_a_report_nothing_is_spoken_and_the_order_of_methods_stays(worker, script):
    made = outcome(clone(worker, order("transcript", "quantizer", report=False, transcript="a")))
    assert [each.method for each in made.candidates] == ["transcript", "quantizer"]
    assert all(each.report is None and each.speech is None for each in made.candidates)
    assert "speak" not in script.names()
    assert "report" not in script.names()


def test_the_same_order_draws_the_same_seeds_and_none_means_new_ones(worker):
    assert outcome(clone(worker, order())).candidates[0].seed == 11
    without = dataclasses.replace(order(), seed=None)
    seeds = {outcome(clone(worker, without)).candidates[0].seed for _ in range(4)}
    assert len(seeds) > 1
    assert all(0 <= seed < 2**31 for seed in seeds)


# The recording


def test_codec_and_encoder_resample_from_the_original(worker, script):
    what = dataclasses.replace(order(), recordings=(recording(rate=44_100),))
    clone(worker, what)
    assert script.calls("cut")[0] == (WINDOWS[0], 44_100)
    assert script.calls("quantizer") == [(5 * 44_100, 44_100)]
    assert script.calls("cut")[-1] == (WINDOWS[0], RATE)
    what = dataclasses.replace(order(), recordings=(recording(rate=8_000),))
    clone(worker, what)
    assert script.calls("quantizer")[-1][1] == RATE


def test_what_makes_a_recording_useless_ends_the_job_in_its_own_words(worker, script):
    fatal = (Finding("noise", "A little."), Finding("silence", "We hear nothing.", is_fatal=True))
    script.check = dataclasses.replace(script.check, findings=fatal)
    assert failure(clone(worker, order())) == Failed("We hear nothing.", "AudioFileError")
    assert script.names() == ["check"]


def test_a_recording_without_a_good_part_is_told(worker, script):
    script.check = dataclasses.replace(script.check, windows=())
    assert "No part of this recording" in failure(clone(worker, order())).message
    assert outcome(clone(worker, order(window=(1.0, 6.0)))).candidates[0].window.score == 1.0


@pytest.mark.parametrize(
    ("wanted", "taken"), [((1.0, 6.0), (1.0, 6.0)), ((-3.0, 4.0), (0.0, 4.0)), ((5, 99), (5, 10))]
)
def test_the_users_own_part_is_taken_instead_within_the_recording(worker, wanted, taken):
    window = outcome(clone(worker, order(window=wanted, windows=5))).candidates[0].window
    assert (window.start_seconds, window.end_seconds) == taken


@pytest.mark.parametrize("wanted", [(3.0, 3.2), (6.0, 2.0), (20.0, 30.0), (float("nan"), 9.0)])
def test_a_part_that_is_none_is_refused(worker, wanted):
    last = failure(clone(worker, order(window=wanted)))
    assert last.kind == "AudioFileError"
    assert "Choose another one." in last.message


def test_no_recording_is_refused(worker):
    for recordings in ((), (recording(0.0),)):
        last = failure(clone(worker, CloneOrder(recordings)))
        assert "There is no recording" in last.message


def test_denoising_happens_before_everything_else(worker, script):
    what = order(denoise=True)
    clone(worker, what)
    assert script.names()[:2] == ["denoise", "check"]
    ((checked, _),) = script.calls("check")
    assert not checked[0].waveform.any()
    assert checked[0].name == "ada.wav"
    assert what.recordings[0].waveform.any()


def test_a_clone_is_compared_with_all_speech_of_the_recording(worker, script):
    clone(worker, order())
    ((reference, rate, texts, has_encoder, has_recogniser),) = script.calls("report")
    assert (len(reference), rate) == (8 * RATE, RATE)
    assert texts == ["one.", "two."]
    assert (has_encoder, has_recogniser) == (True, True)


def test_with_two_speakers_it_is_compared_with_the_part_alone(worker, script):
    two = (Finding("several_speakers", "Two people speak."),)
    script.check = dataclasses.replace(script.check, findings=two)
    clone(worker, order())
    assert len(script.calls("report")[0][0]) == 5 * RATE


def test_the_reference_has_an_end_and_belongs_to_the_same_recording(worker, script):
    long, short = recording(100.0), recording(3.0)
    script.check = dataclasses.replace(
        script.check, spans=((0.0, 90.0), (101.0, 102.5)), windows=(Window(0, 5, 1.0),)
    )
    what = dataclasses.replace(order(), recordings=(long, short))
    clone(worker, what)
    assert len(script.calls("report")[-1][0]) == REFERENCE_SECONDS * RATE
    script.check = dataclasses.replace(script.check, windows=(Window(0, 3, 1.0, recording=1),))
    clone(worker, what)
    reference = script.calls("report")[-1][0]
    assert len(reference) == 1.5 * RATE
    assert reference[0] == pytest.approx(1 / 3, abs=1e-3)


# The transcript and the converter


def test_a_typed_transcript_is_cut_to_the_part(worker, script):
    clone(worker, order("transcript", transcript="aaaa bbbb cccc dddd", windows=2))
    assert [each[0] for each in script.calls("transcript")] == ["cccc dddd", "aaaa bbbb"]
    assert "load recogniser" in script.names()  # for the report only
    assert script.calls("transcript")[0][1:] == (11, "en")


def test_without_a_transcript_the_part_is_recognised_once_for_all_takes(worker, script):
    made = outcome(clone(worker, order("transcript", takes=3, report=False)))
    assert [each[0] for each in script.calls("transcript")] == ["what was heard"] * 3
    assert len(made.candidates) == 3


def test_what_nobody_understands_must_be_typed(worker, script):
    last = failure(clone(worker, order("transcript", language="pl")))
    assert last.kind == "CloneError"
    assert "Type it, or download a recogniser" in last.message


def test_a_conversion_starts_from_the_bases_with_the_chosen_or_the_built_in_converter(
    worker, script
):
    bases = (("Ada", voice(1)), ("Bob", voice(2)))
    clone_events = clone(worker, order("conversion"), bases)
    assert outcome(clone_events).candidates[0].details == {"converter": "builtin"}
    assert script.calls("conversion") == [("builtin", ["Ada", "Bob"], 11)]


# Failing


def test_a_method_that_fails_becomes_a_note_when_another_succeeds(worker, script):
    script.faults["transcript"] = CloneError("Bark said nothing.")
    what = order("quantizer", "transcript", transcript="a b", windows=2)
    made = outcome(clone(worker, what)).candidates
    assert [each.method for each in made] == ["quantizer"] * 2
    assert made[0].notes[-1] == "Method 1 (transcript) failed: Bark said nothing."
    assert made[1].notes == ("Made by quantizer.",)


def test_when_every_method_fails_each_says_why(worker, script):
    script.faults["quantizer"] = CloneError("The quantizer is of another family.")
    assert failure(clone(worker, order())) == Failed(
        "The quantizer is of another family.", "CloneError"
    )
    script.faults["conversion"] = CloneError("The length changed.")
    assert failure(clone(worker, order("quantizer", "conversion"))).message == (
        "Method 2 (quantizer): The quantizer is of another family. "
        "Method 3 (conversion): The length changed."
    )


def test_a_missing_quantizer_fails_method_2_only(worker, folder):
    (folder / "quantizer" / "own.safetensors").unlink()
    assert "needs a quantizer made for Ada" in failure(clone(worker, order())).message
    made = outcome(clone(worker, order("quantizer", "transcript", transcript="a b")))
    assert "Method 2 (quantizer) failed: Method 2 needs" in made.candidates[0].notes[-1]


def test_a_clone_that_cannot_be_judged_is_still_a_clone(worker, script):
    script.faults["speak"] = TextError("It cannot be said.")
    (one,) = outcome(clone(worker, order())).candidates
    assert one.report is None
    assert one.notes[-1] == "It could not be judged: It cannot be said."


def test_a_family_that_is_not_here_is_told(worker):
    (*_, last) = run(worker, CloneRequest(order(), "zoe"))
    assert last.kind == "FamilyNotFoundError"


# Stopping and telling


@pytest.mark.parametrize(
    "at", ["check", "normalise", "load listener", "quantizer", "transcript", "speak", "report"]
)
def test_a_stop_ends_the_job_wherever_it_is(worker, script, at):
    script.stop_at = at
    what = order("quantizer", "transcript", transcript="a b", windows=2)
    events = run(worker, CloneRequest(what, "ada"), script.cancel)
    assert isinstance(events[-1], Cancelled)
    assert not any(isinstance(each, Cloned) for each in events)
    script.stop_at = ""
    assert outcome(clone(worker, order()))


def test_progress_goes_on_and_says_which_clone_is_being_made(worker):
    events = clone(worker, order("quantizer", "transcript", transcript="a b", windows=2))
    told = [each for each in events if isinstance(each, Progress)]
    fractions = [each.fraction for each in told]
    assert fractions[0] == 0.0
    assert fractions == sorted(fractions)
    assert {each.stage for each in told} == {"check", "load", "listen", "encode", "report"}
    assert [each.chunk for each in told] == sorted(each.chunk for each in told)
    assert (told[-1].chunk, told[-1].chunks) == (3, 4)
    assert "Finding the best part" in told[0].message


# Checking and reporting


def test_a_check_listens_with_the_speaker_encoder_and_needs_no_family(worker, script):
    events = run(worker, CheckRequest((recording(),), denoise=True))
    assert events[-2].check is script.check
    assert isinstance(events[-2], Checked)
    assert isinstance(events[-1], Done)
    ((checked, embed),) = script.calls("check")
    assert not checked[0].waveform.any()
    assert embed is script.encoder.embed
    assert worker.status().loaded == ()


def test_without_a_speaker_encoder_the_check_and_the_report_do_without(worker, script):
    script.encoder = None
    run(worker, CheckRequest((recording(),)))
    assert script.calls("check")[0][1] is None
    clone(worker, order())
    assert script.calls("report")[0][3] is False


def test_a_voice_is_judged_beside_a_recording_or_its_own_prompt(worker, script):
    events = run(worker, ReportRequest("ada", voice(3), recording(2.0), "en"))
    assert isinstance(events[-2], Reported)
    assert isinstance(events[-1], Done)
    assert len(script.calls("report")[0][0]) == 2 * RATE
    run(worker, ReportRequest("ada", voice(3)))
    np.testing.assert_array_equal(script.calls("report")[1][0], np.full(50, 3.0))
    assert [each[0] for each in script.calls("speak")] == ["one.", "two."] * 2
    fractions = [each.fraction for each in events if isinstance(each, Progress)]
    assert fractions == sorted(fractions)


def test_a_report_can_be_stopped(worker, script):
    script.stop_at = "speak"
    events = run(worker, ReportRequest("ada", voice(3)), script.cancel)
    assert isinstance(events[-1], Cancelled)


# Shares of an order


def shares(worker, what, count):
    """What each share of an order gives."""
    bare = CloneRequest(what, "ada")
    return [
        outcome(run(worker, dataclasses.replace(bare, share=(number, count))))
        for number in range(count)
    ]


def test_the_shares_of_an_order_are_its_clones(worker):
    what = order("quantizer", "transcript", transcript="Hello.", windows=2, takes=2, report=False)
    facts = [
        (each.method, each.window, each.seed) for each in outcome(clone(worker, what)).candidates
    ]
    first, second = shares(worker, what, 2)
    shared = [*first.candidates, *second.candidates]
    assert len(facts) == 6
    assert sorted((each.method, each.window.score, each.seed) for each in shared) == sorted(
        (method, window.score, seed) for method, window, seed in facts
    )


def test_a_share_in_which_all_failed_tells_why_and_has_no_clone(worker, script):
    script.faults["quantizer"] = CloneError("There is no quantizer.")
    what = order("quantizer", "transcript", transcript="Hello.", report=False)
    first, second = shares(worker, what, 2)
    assert first.candidates == ()
    assert len(first.reference) == 0
    assert first.failures == (("quantizer", "There is no quantizer."),)
    assert [each.notes for each in second.candidates] == [("Made by transcript.",)]
    assert second.failures == ()


# Memory


def test_the_networks_of_cloning_are_kept_between_jobs_and_unloaded_with_the_rest(worker, script):
    clone(worker, order())
    clone(worker, order())
    assert script.names().count("load listener") == 1
    assert worker._models.nbytes == 100 + 7 + 10
    worker.close()
    assert worker._models.nbytes == 0
    clone(worker, order())
    assert script.names().count("load listener") == 2


def test_when_the_memory_runs_out_the_job_begins_once_more_smaller(worker, script, monkeypatch):
    tries, made = [], outcome(clone(worker, order()))

    def full_once(self, request, cancel):
        tries.append(worker._manager._precisions.get("ada"))
        if len(tries) == 1:
            raise MemoryError
        yield Cloned(made)
        yield Done()

    monkeypatch.setattr(CloneJobs, "clone", full_once)
    monkeypatch.setattr(Device, "smaller_than", lambda self, precision: "bf16")
    assert isinstance(clone(worker, order())[-1], Done)
    assert tries == [None, "bf16"]
