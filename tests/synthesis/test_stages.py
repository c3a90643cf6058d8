"""Each stage's greedy output is that of transformers' Bark, token for token, in both layouts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import tiny_family as tiny
from webui.arrays import Speaker
from webui.errors import JobCancelled
from webui.events import CancelToken
from webui.family import read_family
from webui.synthesis.coarse import generate_coarse
from webui.synthesis.controls import StageControls
from webui.synthesis.fine import fine_steps, generate_fine
from webui.synthesis.models import BarkModels, load_models
from webui.synthesis.sampling import Drawing, generators_of
from webui.synthesis.semantic import EndRule, TextPrompt, generate_semantic
from webui.synthesis.transformer import CausalTransformer

NEVER_ENDS = EndRule(min_eos_p=1.1, max_tokens=10_000)


def finish(stage: Any) -> Any:
    """Run a stage to its end and give what it returns."""
    while True:
        try:
            next(stage)
        except StopIteration as end:
            return end.value


def greedy(rows: int = 1) -> Drawing:
    return Drawing(StageControls(temperature=0.0), generators_of([0] * rows))


def warm(seeds: list[int]) -> Drawing:
    return Drawing(StageControls(temperature=0.9), generators_of(seeds))


def speaker_of(frames: int, seed: int = 7) -> Speaker:
    arrays = tiny.random_speaker(frames, seed)
    return Speaker(arrays["semantic_prompt"], arrays["coarse_prompt"], arrays["fine_prompt"])


def history_of(speaker: Speaker | None) -> dict[str, torch.Tensor] | None:
    if speaker is None:
        return None
    return {
        "semantic_prompt": torch.from_numpy(speaker.semantic),
        "coarse_prompt": torch.from_numpy(speaker.coarse),
        "fine_prompt": torch.from_numpy(speaker.fine),
    }


@pytest.fixture(scope="module")
def theirs() -> Any:
    return tiny.random_bark()


@pytest.fixture(scope="module")
def configs() -> Any:
    from transformers.models.bark import generation_configuration_bark as bark

    generation = tiny.configs()[1]
    return (
        bark.BarkSemanticGenerationConfig(**generation["semantic_config"]),
        bark.BarkCoarseGenerationConfig(**generation["coarse_acoustics_config"]),
        bark.BarkFineGenerationConfig(**generation["fine_acoustics_config"]),
    )


def write_suno(folder: Path) -> Path:
    """The same weights as Suno's checkpoints, with a compiled model's prefix."""
    names = {
        "input_embeds_layers.": "transformer.wtes.", "input_embeds_layer.": "transformer.wte.",
        "position_embeds_layer.": "transformer.wpe.", "layernorm_final.": "transformer.ln_f.",
        "layers.": "transformer.h.", ".layernorm_1.": ".ln_1.", ".layernorm_2.": ".ln_2.",
        ".att_proj.": ".c_attn.", ".attn.out_proj.": ".attn.c_proj.", ".in_proj.": ".c_fc.",
        ".mlp.out_proj.": ".mlp.c_proj.",
    }  # fmt: skip
    bark = tiny.random_bark()
    parts = (
        ("text", bark.semantic),
        ("coarse", bark.coarse_acoustics),
        ("fine", bark.fine_acoustics),
    )
    for name, part in parts:
        state = {}
        for key, value in part.state_dict().items():
            for ours, suno in names.items():
                key = (
                    suno + key.removeprefix(ours)
                    if key.startswith(ours)
                    else key.replace(ours, suno)
                    if ours[0] == "."
                    else key
                )
            state[f"_orig_mod.{key}"] = value
        config = part.config
        sizes = {
            "n_layer": config.num_layers, "n_head": config.num_heads, "n_embd": config.hidden_size,
            "block_size": config.block_size, "bias": False, "dropout": 0.0,
            "input_vocab_size": config.input_vocab_size,
            "output_vocab_size": config.output_vocab_size,
        }  # fmt: skip
        if name == "fine":
            sizes |= {"n_codes_total": 8, "n_codes_given": 1}
        torch.save(
            {
                "model": state,
                "model_args": sizes,
                "best_val_loss": np.float64(1.5),
                "iter": np.int64(3),
            },
            folder / f"{name}_2.pt",
        )
    return folder


@pytest.fixture(scope="module", params=["transformers", "suno"])
def ours(request: pytest.FixtureRequest, tiny_family: Path, tmp_path_factory: Any) -> BarkModels:
    folder = tiny_family
    if request.param == "suno":
        folder = tiny.make_tiny_family(tmp_path_factory.mktemp("suno") / "tiny")
        write_suno(folder)
        family = read_family(folder)
        assert set(family.suno_files) == {"semantic", "coarse", "fine"}
    return load_models(folder)


TEXTS = [np.array([5, 9, 12]), np.arange(5, 21)]


@pytest.mark.parametrize("frames", [None, 9, 50])
@pytest.mark.parametrize("text", TEXTS)
def test_the_text_stage_is_that_of_transformers(
    ours: BarkModels, theirs: Any, configs: Any, frames: int | None, text: np.ndarray
) -> None:
    speaker = None if frames is None else speaker_of(frames)
    ids = np.zeros(tiny.TEXT_POSITIONS, np.int64)
    ids[: len(text)] = text
    expected = theirs.semantic.generate(
        torch.from_numpy(ids)[None],
        attention_mask=(torch.arange(tiny.TEXT_POSITIONS)[None] < len(text)).long(),
        history_prompt=history_of(speaker),
        semantic_generation_config=configs[0],
    )[0]
    prompt = TextPrompt([text], None if speaker is None else speaker.semantic)
    made = finish(generate_semantic(ours.text, ours.family.semantic, prompt, greedy(), NEVER_ENDS))[
        0
    ]
    assert made.tolist() == expected[expected != tiny.SEMANTIC].tolist()
    assert len(set(made.tolist())) > 1


@pytest.mark.parametrize("frames", [None, 9, 50])
@pytest.mark.parametrize("tokens", [3, 6, 31, 55])
def test_the_coarse_stage_is_that_of_transformers(
    ours: BarkModels, theirs: Any, configs: Any, frames: int | None, tokens: int
) -> None:
    speaker = None if frames is None else speaker_of(frames)
    semantic = np.random.default_rng(tokens).integers(0, tiny.SEMANTIC, tokens)
    expected = theirs.coarse_acoustics.generate(
        torch.from_numpy(semantic)[None],
        semantic_generation_config=configs[0],
        coarse_generation_config=configs[1],
        codebook_size=tiny.CODES,
        history_prompt=history_of(speaker),
    )[0]
    made = finish(generate_coarse(ours.coarse, ours.family, [semantic], speaker, greedy()))[0]
    plain = (expected.numpy().reshape(-1, 2).T - tiny.SEMANTIC) % tiny.CODES
    assert made.shape == (2, tokens)
    assert made.tolist() == plain.tolist()
    assert len(set(made.reshape(-1).tolist())) > 2


@pytest.mark.parametrize("frames", [None, 9, 50])
@pytest.mark.parametrize("length", [4, 16, 17, 40, 90])
def test_the_fine_stage_is_that_of_transformers(
    ours: BarkModels, theirs: Any, configs: Any, frames: int | None, length: int
) -> None:
    speaker = None if frames is None else speaker_of(frames)
    coarse = np.random.default_rng(length).integers(0, tiny.CODES, (2, length))
    flat = (coarse + tiny.SEMANTIC + tiny.CODES * np.arange(2)[:, None]).T.reshape(1, -1)
    expected = theirs.fine_acoustics.generate(
        torch.from_numpy(flat),
        semantic_generation_config=configs[0],
        coarse_generation_config=configs[1],
        fine_generation_config=configs[2],
        codebook_size=tiny.CODES,
        history_prompt=history_of(speaker),
        temperature=1.0,  # means the likeliest, there
    )[0]
    stage = generate_fine(ours.fine, ours.family, coarse, speaker, greedy())
    steps = list(range(1, fine_steps(ours.family, length, speaker) + 1))
    seen = []
    while True:
        try:
            seen.append(next(stage))
        except StopIteration as end:
            made = end.value
            break
    assert made.tolist() == expected.tolist()
    assert seen == steps


def test_the_whole_chain_is_that_of_transformers(tiny_family: Path) -> None:
    from transformers import BarkModel

    theirs = BarkModel.from_pretrained(tiny_family, dtype=torch.float32)
    models, speaker, text = load_models(tiny_family), speaker_of(50), TEXTS[0]
    ids = np.zeros(tiny.TEXT_POSITIONS, np.int64)
    ids[: len(text)] = text
    expected = theirs.generate(
        torch.from_numpy(ids)[None],
        attention_mask=(torch.arange(tiny.TEXT_POSITIONS)[None] < len(text)).long(),
        history_prompt=history_of(speaker),
        fine_temperature=1.0,
    )[0]
    prompt = TextPrompt([text], speaker.semantic)
    semantic = finish(
        generate_semantic(models.text, models.family.semantic, prompt, greedy(), NEVER_ENDS)
    )
    coarse = finish(generate_coarse(models.coarse, models.family, semantic, speaker, greedy()))
    fine = finish(generate_fine(models.fine, models.family, coarse[0], speaker, greedy()))
    sound = models.codec.decode(fine)
    assert len(sound) == len(expected)
    np.testing.assert_allclose(sound, expected.detach().numpy(), atol=2e-5)


def test_a_batch_says_what_each_row_says_alone(tiny_family: Path) -> None:
    models, speaker = load_models(tiny_family), speaker_of(50)
    config = models.family.semantic

    def say(texts: list[np.ndarray], seeds: list[int]) -> list[np.ndarray]:
        prompt = TextPrompt(texts, speaker.semantic)
        made = finish(generate_semantic(models.text, config, prompt, warm(seeds), EndRule(0.3, 40)))
        return list(made)

    together = say(TEXTS, [1, 2])
    assert [row.tolist() for row in together] == [
        say([text], [seed])[0].tolist() for text, seed in zip(TEXTS, [1, 2], strict=True)
    ]
    rows = [np.arange(20) % 40, np.arange(33) % 40]
    both = finish(generate_coarse(models.coarse, models.family, rows, speaker, warm([3, 4])))
    for row, seed, made in zip(rows, [3, 4], both, strict=True):
        alone = finish(generate_coarse(models.coarse, models.family, [row], speaker, warm([seed])))
        assert alone[0].tolist() == made.tolist()


def test_reading_token_by_token_gives_the_scores_of_reading_at_once(tiny_family: Path) -> None:
    model = load_models(tiny_family).text
    tokens = torch.randint(0, 40, (2, 30), generator=torch.Generator().manual_seed(0))
    at_once = model(model.embed(tokens), model.new_cache(2))
    cache = model.new_cache(2)
    model(model.embed(tokens[:, :12]), cache)
    for place in range(12, 30):
        stepwise = model(model.embed(tokens[:, place : place + 1]), cache)
    torch.testing.assert_close(stepwise, at_once, atol=1e-4, rtol=1e-4)


def test_a_window_that_only_grows_is_not_read_again(
    tiny_family: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, reads = load_models(tiny_family), []
    call = CausalTransformer.__call__

    def counting(self: Any, embedded: torch.Tensor, cache: Any, head: int = 0) -> torch.Tensor:
        reads.append(embedded.shape[1])
        return call(self, embedded, cache, head)

    monkeypatch.setattr(CausalTransformer, "__call__", counting)
    semantic = np.random.default_rng(0).integers(0, tiny.SEMANTIC, 31)
    finish(generate_coarse(models.coarse, models.family, [semantic], None, greedy()))
    assert len(reads) == 62
    assert {place: read for place, read in enumerate(reads) if read > 1} == {0: 31, 48: 71, 60: 71}
    reads.clear()
    finish(generate_coarse(models.coarse, models.family, [semantic], speaker_of(50), greedy()))
    assert [place for place, read in enumerate(reads) if read > 1] == [0, 12, 24, 36, 48, 60]


def test_a_cache_with_content_takes_one_token_at_a_time(tiny_family: Path) -> None:
    model = load_models(tiny_family).text
    cache = model.new_cache(1)
    model(model.embed(torch.zeros(1, 3, dtype=torch.long)), cache)
    with pytest.raises(ValueError, match="empty cache"):
        model(model.embed(torch.zeros(1, 2, dtype=torch.long)), cache)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_every_stage_stops_at_the_next_token(tiny_family: Path, after: int) -> None:
    models, token = load_models(tiny_family), CancelToken()
    drawing = Drawing(StageControls(temperature=0.0), generators_of([0]), token)
    semantic = np.arange(40) % tiny.SEMANTIC
    stages = (
        generate_semantic(
            models.text, models.family.semantic, TextPrompt(TEXTS[:1]), drawing, NEVER_ENDS
        ),
        generate_coarse(models.coarse, models.family, [semantic], None, drawing),
        generate_fine(models.fine, models.family, np.zeros((2, 90), np.int64), None, drawing),
    )
    for stage in stages:
        for _ in range(after):
            next(stage)
    token.cancel()
    for stage in stages:
        with pytest.raises(JobCancelled):
            next(stage)


def test_a_likely_end_ends_the_speech(tiny_family: Path) -> None:
    models = load_models(tiny_family)
    prompt = TextPrompt(TEXTS[:1])
    config = models.family.semantic
    long = finish(generate_semantic(models.text, config, prompt, warm([5]), EndRule(1.1, 60)))[0]
    short = finish(generate_semantic(models.text, config, prompt, warm([5]), EndRule(0.02, 60)))[0]
    assert len(short) < len(long)
    assert short.tolist() == long[: len(short)].tolist()


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_smaller_weights_score_nearly_alike(tiny_family: Path, precision: str) -> None:
    tokens = torch.randint(0, 40, (1, 30), generator=torch.Generator().manual_seed(0))
    scores = []
    for each in ("fp32", precision):
        models = load_models(tiny_family, precision=each)
        cache = models.text.new_cache(1)
        models.text(models.text.embed(tokens), cache)
        scores.append(models.text(models.text.embed(tokens[:, :1]), cache))
    agreement = torch.nn.functional.cosine_similarity(*scores).item()
    assert 0.99 < agreement < 1.0
    assert models.text.nbytes < load_models(tiny_family).text.nbytes
