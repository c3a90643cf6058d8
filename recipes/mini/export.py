"""Step 8: the family's folder, in the layout of `suno/bark`, and its voices.

python -m recipes.mini.export --work WORK --out models/mini
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import BarkConfig, BertTokenizer, EncodecModel

from recipes.mini import checkpoints
from recipes.mini import layout as L
from recipes.mini.clips import Clip
from recipes.mini.codec import CODEBOOK_SIZE, CODEBOOKS, ResidualQuantizer, codec_config
from recipes.mini.flite import RATE
from recipes.mini.hubert import HOP, MOMENTS, hubert_config
from recipes.mini.quantizer import write_quantizer
from recipes.mini.sentences import cut_sentences, fortune_sentences
from recipes.mini.speakers import KNOWN_SPEAKERS
from recipes.mini.teacher import say
from recipes.mini.token_classes import write_token_classes
from recipes.mini.tokens import LAYER, codes_of, load_codec, load_encoder, nearest, true_features
from recipes.mini.vocabulary import vocabulary
from recipes.mini.voices import PROMPT, VOICES

TEXT_TEMPERATURE, COARSE_TEMPERATURE = 0.3, 0.0  # with which the family is understood best


def bark_config() -> BarkConfig:
    """The sizes of all parts, as transformers' Bark reads them."""

    def causal(inputs: int, outputs: int, block: int, size: dict[str, int]) -> dict[str, object]:
        return {
            "input_vocab_size": inputs, "output_vocab_size": outputs, "block_size": block, "bias": False,
            "hidden_size": size["width"], "num_layers": size["layers"], "num_heads": size["heads"], "dropout": 0.0,
        }  # fmt: skip

    fine_part = causal(L.FINE_CODES, L.FINE_CODES, L.FINE_WINDOW, L.FINE_SIZE)
    return BarkConfig(
        semantic_config=causal(L.TEXT_INPUTS, L.TEXT_OUTPUTS, L.TEXT_BLOCK, L.TEXT_SIZE),
        coarse_acoustics_config=causal(
            L.COARSE_VOCABULARY, L.COARSE_VOCABULARY, L.COARSE_BLOCK, L.COARSE_SIZE
        ),
        fine_acoustics_config={**fine_part, "n_codes_total": CODEBOOKS, "n_codes_given": 1},
        codec_config=codec_config().to_dict(),
    )


def generation_config() -> dict[str, object]:
    """The layout of the stages' inputs, under the names that transformers' Bark uses."""
    return {
        "model_type": "bark",
        "codebook_size": CODEBOOK_SIZE,
        "sample_rate": RATE,
        "semantic_config": {
            "model_type": "semantic", "do_sample": True, "temperature": TEXT_TEMPERATURE,
            "eos_token_id": L.SEMANTIC_END, "pad_token_id": L.SEMANTIC_END,
            "semantic_pad_token": L.SEMANTIC_END, "semantic_vocab_size": L.SEMANTIC_VOCABULARY,
            "semantic_infer_token": L.TEXT_INFER, "text_pad_token": L.TEXT_PAD,
            "text_encoding_offset": L.TEXT_OFFSET, "max_input_semantic_length": L.TEXT_POSITIONS,
            "max_new_tokens": L.MOST_TOKENS, "semantic_rate_hz": float(L.SEMANTIC_RATE), "min_eos_p": 0.2,
        },
        "coarse_acoustics_config": {
            "model_type": "coarse_acoustics", "do_sample": COARSE_TEMPERATURE > 0, "temperature": COARSE_TEMPERATURE or 1.0,
            "coarse_semantic_pad_token": L.COARSE_PAD, "coarse_infer_token": L.COARSE_INFER,
            "coarse_rate_hz": L.FRAME_RATE, "n_coarse_codebooks": L.COARSE_CODEBOOKS,
            "max_coarse_input_length": L.COARSE_SEMANTIC_WINDOW, "max_coarse_history": L.COARSE_HISTORY,
            "sliding_window_len": L.COARSE_WINDOW,
        },
        "fine_acoustics_config": {
            "model_type": "fine_acoustics", "temperature": 0.3, "max_fine_history_length": L.FINE_HISTORY,
            "max_fine_input_length": L.FINE_WINDOW, "n_fine_codebooks": CODEBOOKS,
        },
    }  # fmt: skip


def state_dict(work: Path) -> dict[str, torch.Tensor]:
    """All weights under transformers' names, in half precision (they are used in full)."""
    state: dict[str, torch.Tensor] = {}
    for part, name in (
        ("semantic", "text"),
        ("coarse_acoustics", "coarse"),
        ("fine_acoustics", "fine"),
    ):
        checkpoint = checkpoints.load(work / f"{name}.pt")
        assert checkpoint is not None, f"train the {name} stage first"
        state |= {f"{part}.{key}": value for key, value in checkpoint["model"].items()}
    for part, size, block in (
        ("semantic", L.TEXT_SIZE, L.TEXT_BLOCK),
        ("coarse_acoustics", L.COARSE_SIZE, L.COARSE_BLOCK),
    ):
        for layer in range(size["layers"]):  # transformers keeps the causal mask among the weights
            mask = torch.ones(block, block, dtype=torch.bool).tril()
            state[f"{part}.layers.{layer}.attn.bias"] = mask.view(1, 1, block, block)
    model, quantizer = load_codec(work)
    _put_codebooks(model, quantizer)
    state |= {f"codec_model.{key}": value for key, value in model.state_dict().items()}
    return {
        key: (v.half() if v.is_floating_point() else v).contiguous() for key, v in state.items()
    }


def _put_codebooks(model: EncodecModel, quantizer: ResidualQuantizer) -> None:
    for book, layer in enumerate(model.quantizer.layers):
        layer.codebook.embed.copy_(quantizer.codes[book])
        layer.codebook.embed_avg.copy_(quantizer.codes[book])
        layer.codebook.cluster_size.fill_(1.0)
        layer.codebook.inited.fill_(True)


def write_tokenizer(out: Path) -> None:
    """BERT WordPiece files."""
    lines = vocabulary(fortune_sentences() + cut_sentences())
    assert len(lines) <= L.TEXT_PIECES
    vocab = out / "vocab.txt"
    vocab.write_text("\n".join(lines) + "\n", encoding="utf-8")
    BertTokenizer(vocab=str(vocab), do_lower_case=True).save_pretrained(out)
    vocab.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_hubert(work: Path, out: Path) -> None:
    """The encoder and the centres of the semantic tokens."""
    folder = out / "hubert"
    folder.mkdir(exist_ok=True)
    encoder = load_encoder(work)
    config = hubert_config()
    config.architectures = ["HubertModel"]
    config.dtype = torch.float32
    config.save_pretrained(folder)
    state = {key: value.half().contiguous() for key, value in encoder.hubert.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    centroids = torch.from_numpy(np.load(work / "centroids.npy")).half()
    heads = {"heads.weight": encoder.heads.weight.half(), "heads.bias": encoder.heads.bias.half()}
    save_file({"centroids": centroids, **heads}, folder / "semantic_tokens.safetensors")
    facts = {
        "layer": LAYER,
        "moments": MOMENTS,
        "space": "sqrt-softmax",
        "clusters": len(centroids),
        "rate_hz": RATE / HOP,
        "sample_rate": RATE,
    }
    (folder / "semantic_tokens.json").write_text(
        json.dumps(facts, indent=2) + "\n", encoding="utf-8"
    )


def prompt_arrays(
    teacher_name: str,
    prompt: list[str],
    centroids: np.ndarray,
    encode: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Semantic tokens (tokens,) and codes (codebooks, frames) of what one teacher speaker says.

    Args:
        teacher_name: of one of `KNOWN_SPEAKERS`.
        prompt: the sentences.
        centroids: of the semantic tokens.
        encode: the codec, from int16 samples to codes.

    Raises:
        ValueError: flite reads a sentence differently from how it is written.
    """
    speaker = [each.name for each in KNOWN_SPEAKERS].index(teacher_name)
    semantic, codes = [], []
    for sentence in prompt:
        said = say(sentence, speaker, KNOWN_SPEAKERS)
        if said is None:
            raise ValueError(f'flite does not read "{sentence}" as it is written.')
        clip = Clip(sentence, speaker, **said)
        semantic.append(nearest(true_features(clip), centroids))
        codes.append(encode(clip.samples))
    return np.concatenate(semantic), np.concatenate(codes, 1).astype(np.int64)


def write_voices(work: Path, out: Path) -> None:
    """A dozen speaker files."""
    folder = out / "speakers"
    folder.mkdir(exist_ok=True)
    codec, centroids = load_codec(work), np.load(work / "centroids.npy")
    for name, (teacher_name, sound) in VOICES.items():
        semantic, codes = prompt_arrays(
            teacher_name, PROMPT, centroids, lambda samples: codes_of(*codec, samples)
        )
        metadata = {
            "name": name, "family": "mini", "language": "en", "method": "teacher",
            "notes": f"{sound}; a synthetic voice made by recipes/mini", "tags": sound.split(", "),
        }  # fmt: skip
        np.savez_compressed(
            folder / f"{name.lower()}.npz",
            semantic_prompt=semantic,
            coarse_prompt=codes[: L.COARSE_CODEBOOKS],
            fine_prompt=codes,
            metadata=np.array(json.dumps(metadata)),
        )


def write_family_facts(out: Path) -> None:
    """What transformers has no place for."""
    facts = {
        "id": "mini",
        "title": "Mini",
        "is_demo": True,
        "languages": ["en"],
        "licence": "MIT",
        "chunk_seconds": 3.6,  # the teacher's clips are hardly ever longer
        "voice_level_db": -17.5,  # of the speech in the teacher's clips
        "examples": [
            "Good morning, how are you today?",
            "The moon is bright and the night is cold.",
            "I would like a cup of coffee, please.",
            "The children are playing in the garden.",
        ],
        "controls": {
            "semantic": {"temperature": TEXT_TEMPERATURE},
            "coarse": {"temperature": COARSE_TEMPERATURE},
            "fine": {"temperature": 0.0},
        },
    }
    (out / "webui_family.json").write_text(
        json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def export(work: Path, out: Path) -> None:
    """Write everything but the model card."""
    out.mkdir(parents=True, exist_ok=True)
    config = bark_config()
    config.architectures = ["BarkModel"]
    config.dtype = torch.float32  # what transformers computes in; the file holds halves
    config.save_pretrained(out)
    (out / "generation_config.json").write_text(
        json.dumps(generation_config(), indent=2) + "\n", encoding="utf-8"
    )
    save_file(state_dict(work), out / "model.safetensors", metadata={"format": "pt"})
    write_tokenizer(out)
    write_hubert(work, out)
    write_token_classes(out)
    write_quantizer(work, out)
    write_voices(work, out)
    write_family_facts(out)


def main() -> None:
    """Export the family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with torch.no_grad():
        export(arguments.work, arguments.out)


if __name__ == "__main__":
    main()
