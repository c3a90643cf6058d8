"""Words by Whisper, on a tiny model with random weights: it says nonsense, but always something."""

from pathlib import Path

import numpy as np
import pytest
import torch

from webui.quality.whisper_words import RATE, _words, load_whisper
from webui.quality.words import recogniser

SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>",
    "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
]  # fmt: skip
SOUND = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)


def make_tiny_whisper(folder: Path, has_times: bool) -> Path:
    """Save a whole Whisper of two narrow layers with a vocabulary of single bytes."""
    from tokenizers import pre_tokenizers
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    ids = {name: len(letters) + number for number, name in enumerate(SPECIAL)}
    tokenizer = WhisperTokenizer(vocab=vocabulary | ids, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[1:]})
    torch.manual_seed(0)
    end = ids["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=len(letters) + len(SPECIAL), d_model=16, num_mel_bins=80,
        encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, max_target_positions=32,
        pad_token_id=end, bos_token_id=end, eos_token_id=end,
        decoder_start_token_id=ids["<|startoftranscript|>"],
        begin_suppress_tokens=None, suppress_tokens=None,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    settings = model.generation_config
    settings.lang_to_id = {name: ids[name] for name in ("<|en|>", "<|de|>")}
    settings.task_to_id = {name: ids[f"<|{name}|>"] for name in ("transcribe", "translate")}
    settings.is_multilingual = True
    settings.no_timestamps_token_id = ids["<|notimestamps|>"]
    settings.suppress_tokens = [*ids.values()][1:]
    settings._from_model_config = False  # these are its own, as in the published ones
    if has_times:
        settings.alignment_heads = [[1, 0], [1, 1]]
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=[False, True], ids=["without times", "with times"])
def ears(request, tmp_path_factory):
    found = load_whisper(make_tiny_whisper(tmp_path_factory.mktemp("whisper"), request.param))
    assert found is not None
    return found


def test_it_writes_text_and_gives_times_where_it_can(ears):
    found = ears.transcribe(SOUND, RATE, "en")
    assert found.text
    assert "<|" not in found.text
    assert bool(found.words) == ears._has_times
    times = [time for word in found.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert all(0 <= time <= 2 for time in times)


def test_what_was_asked_changes_nothing(ears):
    plain = ears.transcribe(SOUND, RATE, "en")
    assert ears.listen_for("anything", SOUND, RATE, "en") == plain


@pytest.mark.parametrize("samples", [0, 1, 500])
def test_a_sound_of_almost_nothing_is_no_error(ears, samples):
    assert ears.transcribe(np.zeros(samples, np.float32), 24_000, "de").text == ""
    assert isinstance(ears.transcribe(np.ones(samples, np.float32), 24_000, "de").text, str)


def test_a_sound_longer_than_it_can_hear_is_heard_in_pieces(ears):
    long = np.tile(SOUND, 14)
    assert len(ears.transcribe(long, RATE, "en").text) > len(
        ears.transcribe(SOUND, RATE, "en").text
    )


def test_it_knows_its_languages(ears):
    assert ears.speaks("de-AT")
    assert not ears.speaks("fr")


def test_it_is_preferred_for_its_languages(tmp_path):
    folder = make_tiny_whisper(tmp_path, has_times=False)
    assert recogniser("de", folder).name == "whisper"
    assert recogniser("en", folder).name == "whisper"
    assert recogniser("fr", folder) is None


def test_pieces_of_words_are_joined_with_their_times():
    found = _words([" the", " ni", "ght", "", "."], [0.2, 0.5, 0.9, 1.0, 1.1])
    assert [(w.text, w.start_seconds, w.end_seconds) for w in found] == [
        ("the", 0.2, 0.2),
        ("night.", 0.2, 1.1),
    ]
