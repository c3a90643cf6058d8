"""The parts that the recipe trains are those that the app and transformers run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import EncodecModel

from recipes.mini import checkpoints, export, hubert, tokens
from recipes.mini.clips import Clip
from recipes.mini.codec import CODEBOOKS, ResidualQuantizer, codec_config
from recipes.mini.hubert import HOP
from recipes.mini.network import CausalNetwork, FineNetwork, orthogonal
from recipes.mini.spelling import PHONES
from recipes.mini.training import train_stage
from webui.family import NetworkConfig
from webui.synthesis.transformer import CausalTransformer, FineTransformer

SIZES = NetworkConfig(30, 20, 16, 32, 2, 4, bias=False)


def seeded(seed=0):
    torch.manual_seed(seed)


def test_a_trained_causal_stage_says_the_same_in_the_app():
    with torch.random.fork_rng(devices=[]):
        seeded()
        network = CausalNetwork(30, 20, 16, width=32, layers=2, heads=4)
        ids = torch.randint(30, (2, 9))
    ours = CausalTransformer(SIZES, network.state_dict(), [range(20)])
    hidden, _ = network(network.input_embeds_layer(ids))
    expected = network.lm_head(hidden[:, -1])
    found = ours(ours.embed(ids), ours.new_cache(2))
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_trained_fine_stage_says_the_same_in_the_app():
    with torch.random.fork_rng(devices=[]):
        seeded()
        network = FineNetwork(30, 8, 16, width=32, layers=2, heads=4)
        codes = torch.randint(30, (1, 16, 8))
    sizes = replace(SIZES, codebooks=8, codebooks_given=1)
    ours = FineTransformer(sizes, network.state_dict())
    assert torch.allclose(ours(codes, 5, 4, 25), network(codes, 5)[:, 4:, :25], atol=1e-5)


@pytest.mark.parametrize("shape", [(12, 12), (24, 8), (8, 24)])
def test_muon_makes_updates_whose_singular_values_are_near_one(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_the_quantiser_writes_codes_that_transformers_reads():
    quantizer = ResidualQuantizer()
    quantizer.codes.normal_(generator=torch.Generator().manual_seed(2))
    quantizer.codes *= 0.5 ** torch.arange(CODEBOOKS).view(-1, 1, 1)
    model = EncodecModel(codec_config()).eval()
    with torch.no_grad():
        export._put_codebooks(model, quantizer)
        z = torch.randn(1, 128, 7, generator=torch.Generator().manual_seed(3))
        codes = quantizer.encode(z)
        theirs = model.quantizer.encode(z, codec_config().target_bandwidths[0]).transpose(0, 1)
        assert torch.equal(codes, theirs)
        assert torch.allclose(
            quantizer.decode(codes), model.quantizer.decode(codes.transpose(0, 1)), atol=1e-5
        )


def test_the_quantiser_learns_what_it_is_shown():
    with torch.random.fork_rng(devices=[]):
        seeded()
        rows = torch.randn(2_000, 128) * torch.tensor([3.0] * 4 + [0.05] * 124)
        quantizer = ResidualQuantizer()
        quantizer.start(rows, rounds=3)
        z = rows[:400].T.unsqueeze(0)
        quantised, commitment = quantizer(z, torch.tensor([8]), learn=True)
    assert ((quantised - z).square().mean() / z.square().mean()).item() < 0.3
    assert commitment.item() >= 0


@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, HOP + 1, 16_000])
def test_the_encoder_gives_one_frame_for_each_token(samples):
    config = hubert.hubert_config()
    sound = hubert.padded(np.zeros(samples), config)
    length = len(sound)
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        length = (length - kernel) // stride + 1
    assert length == -(-samples // HOP)


def a_clip():
    """Two frames of silence, then one phone that begins in the middle of a frame."""
    ends = np.array([2 * HOP + HOP // 2, 4 * HOP], dtype=np.int32)
    phones = np.array([0, PHONES.index("s")], dtype=np.int16)
    return Clip("s", 0, np.zeros(4 * HOP, np.int16), phones, ends, np.array([-1, 0], np.int16))


def test_a_frame_knows_its_phones_at_four_moments():
    s = PHONES.index("s")
    assert hubert.moments(a_clip()).tolist() == [[0] * 4, [0] * 4, [0, 0, s, s], [s] * 4]


def test_semantic_tokens_tell_the_phones_apart_and_do_not_depend_on_the_speaker():
    rows = tokens.true_features(a_clip())
    assert np.allclose(np.square(rows).sum(1), hubert.MOMENTS)
    centroids = tokens.fit_centroids(np.repeat(rows, 3, axis=0), clusters=3, rounds=5)
    found = tokens.nearest(rows, centroids)
    assert found[0] == found[1]
    assert len(set(found.tolist())) == 3


def test_training_goes_on_where_it_was(tmp_path):
    path, told = tmp_path / "stage.pt", []

    def a_model():
        return CausalNetwork(8, 8, 8, width=8, layers=1, heads=1)

    model = a_model()

    def start(step):
        told.append(step)

        def next_loss(number):
            hidden, _ = model(model.input_embeds_layer(torch.zeros(1, 4, dtype=torch.long)))
            loss = hidden.square().mean() + model.lm_head.weight.square().mean()
            return loss, {"step": torch.tensor(number)}

        return next_loss

    train_stage(path, model, 0.003, start, lambda: "well")
    first = checkpoints.load(path)
    model = a_model()
    train_stage(path, model, 0.003, start, lambda: "well")
    second = checkpoints.load(path)
    assert told == [0, first["step"]]
    assert second["step"] > first["step"] > 0
    assert second["seconds"] > first["seconds"] > 0
