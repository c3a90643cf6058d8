"""From checkpoints to the family's folder and back, and the page about it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from recipes.mini import card, export, fine, refined, resume
from recipes.mini import layout as L
from recipes.mini.streams import Take

ROOT = Path(__file__).parents[2]
MINI = ROOT / "models" / "mini"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    resume.resume(MINI, folder)
    return folder


def test_going_back_to_checkpoints_and_exporting_again_gives_the_same_weights(work):
    with torch.no_grad():
        again = export.state_dict(work)
    published = load_file(MINI / "model.safetensors")
    assert set(again) == set(published)
    for name, value in published.items():
        assert torch.equal(again[name], value), name


def test_the_encoder_and_the_clusters_come_back_too(work):
    from recipes.mini.tokens import load_encoder

    encoder = load_encoder(work)
    published = load_file(MINI / "hubert" / "model.safetensors")
    for name, value in encoder.hubert.state_dict().items():
        assert torch.equal(value.half(), published[name]), name
    assert np.load(work / "centroids.npy").shape == (L.SEMANTIC_VOCABULARY, 164)


def test_a_checkpoint_that_is_there_is_never_replaced(work):
    before = (work / "text.pt").stat().st_mtime_ns
    resume.resume(MINI, work)
    assert (work / "text.pt").stat().st_mtime_ns == before


CARD = """| part | steps | minutes on the processor | on the graphics card |
|---|---|---|---|
| text stage | 7,328 | 106 | 4.4 |
| fine stage | 912 | 19 |

The encoder names 91% of the phones at four moments of a frame right.
"""


def test_going_back_keeps_how_long_each_part_was_trained(tmp_path):
    (tmp_path / "README.md").write_text(CARD)
    known = resume.figures(tmp_path)
    assert known["text"] == {"step": 7_328, "seconds": 6_360.0, "card_seconds": 264.0}
    assert known["fine"] == {"step": 912, "seconds": 1_140.0, "card_seconds": 0.0}
    assert known["hubert"]["accuracy"] == 0.91
    assert known["coarse"]["step"] == 0, "the card does not tell"


def test_the_configs_of_the_recipe_are_those_of_the_folder(tmp_path):
    export.write_family_facts(tmp_path)
    written = (tmp_path / "webui_family.json").read_text("utf-8")
    assert written == (MINI / "webui_family.json").read_text("utf-8")


def test_refined_codes_keep_the_first_codebooks_and_all_lengths():
    dice = np.random.default_rng(0)
    takes = [
        Take(
            "",
            ("teacher", 0),
            np.zeros(n // L.TOKEN_FRAMES, np.int64),
            dice.integers(1_024, size=(8, n)),
        )
        for n in (20, 150)
    ]
    voices = [dice.integers(1_024, size=(8, 130))] * 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = fine.network().eval()
    made = refined.refine(model, voices, takes)
    for codes, take in zip(made, takes, strict=True):
        assert codes.shape == take.codes.shape
        assert np.array_equal(codes[:2], take.codes[:2])
        assert codes.max() < 1_024
        assert not np.array_equal(codes[2:, :20], take.codes[2:, :20])
    beyond = L.FINE_WINDOW - L.FINE_HISTORY
    assert np.array_equal(made[1][:, beyond:], takes[1].codes[:, beyond:])


def test_the_card_tells_what_was_measured(work):
    quality = {
        "chain": {
            "sentences_right": {"share": 0.62, "low": 0.48, "high": 0.74, "count": 50},
            "nearest_voice_right": {"left_out": "the speaker encoder is not installed"},
            "real_time_factor": 0.31,
            "word_error_rate": 0.4576,
        },
        "codec": {"left_out": "the teacher's library is not installed"},
        "teacher": {
            "word_error_rate": 0.2193,
            card.OF_VOICES: {
                "sentences_right": {"share": 1.0, "low": 0.929, "high": 1.0, "count": 50},
                "word_error_rate": 0.081,
            },
        },
    }
    page = card.card(work, MINI, card.Measured(quality, {}, {}))
    assert (
        "| the whole chain, text to sound, in these voices | 62% (48% to 74%, of 50) | 46% |"
        in page
    )
    assert (
        "| through the codec alone | the teacher's library is not installed | not measured |"
        in page
    )
    assert "| the teacher's own sound | not measured | 22% |" in page
    own = "| the teacher's own sound, by the speakers of the voices below"
    assert f"{own} | 100% (93% to 100%, of 50) | 8% |" in page
    assert "STOI of the codec, beside the teacher's own sound: not measured." in page
    assert "the speaker encoder is not installed" in page
    assert "| coarse stage | 5." in page
    assert "The chain was heard with one seed" in page
    rates = {"1": 0.4123, "2": 0.5, "3": 0.46}
    several = {**quality, "chain": {**quality["chain"], "word_error_rate_of_seeds": rates}}
    page = card.card(work, MINI, card.Measured(several, {}, {}))
    assert (
        "3 seeds, which differ: with the best 41% of its words were heard wrong, "
        "with the worst 50%." in page
    )


def test_the_card_tells_faults_and_clones_where_they_were_measured(work):
    share = {"share": 0.7, "low": 0.57, "high": 0.8, "count": 60}
    faults = {
        "sentences": {"clean": {**share, "count": 200}},
        "long_texts": {"last_to_first": {"mean": 0.89}, "two_firsts": {"mean": 0.9}},
    }
    methods = {"quantizer": {"right_speaker": share, "right_sentence": share}}
    clones = {"kinds": {"flite": {"speakers": ["slt12 (7.0 s)"] * 20, "methods": methods}}}
    page = card.card(work, MINI, card.Measured({}, faults, {**clones, "endings": 3}))
    assert "70% (57% to 80%, of 200) sentences" in page
    assert "(0.890) as the first parts of two texts are like each other (0.900)" in page
    assert "| 20 of flite | 2, quantizer | 70% (57% to 80%, of 60) | 70%" in page
    tried = "with up to 3 ends"
    assert tried in page
    assert tried not in card.card(work, MINI, card.Measured({}, {}, {**clones, "endings": 1}))
    bare = card.card(work, MINI, card.Measured({}, {}, {}))
    assert "mini_faults" not in bare
    assert "clone_quality" not in bare
