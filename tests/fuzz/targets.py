"""The readers of strangers' files, each with good files to begin from."""

import functools
import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.hostile_speakers import arrays, npz
from tests.longform.book_files import epub, navigation, page

Read = Callable[[bytes, str], object]  # of bytes whose file would have this ending


@dataclass(frozen=True)
class Target:
    """A reader, and what it is given before it is spoilt: (ending, bytes) of good files."""

    read: Read
    seeds: Callable[[], tuple[tuple[str, bytes], ...]]


def at_a_path(read: Callable[[Path], object]) -> Read:
    """A reader of files as a reader of bytes."""

    def read_bytes(data: bytes, ending: str) -> object:
        with tempfile.NamedTemporaryFile(suffix=ending) as file:
            file.write(data)
            file.flush()
            return read(Path(file.name))

    return read_bytes


def read_voice(data: bytes, ending: str) -> object:
    from webui.backend.speech_recipe import recipe_from_json
    from webui.speaker_file import read_metadata_text, read_speaker, with_metadata_text

    found = read_speaker(data, repair=True)
    text = read_metadata_text(data)
    again = read_speaker(with_metadata_text(data, text), repair=True)
    assert np.array_equal(again.speaker.fine, found.speaker.fine)
    if "recipe" in found.metadata.other:
        recipe_from_json(found.metadata.other["recipe"])
    return found


def read_weights(path: Path) -> object:
    from webui.checkpoint import load_suno, load_tensors, read_notes, safetensors_bytes

    readers = [load_tensors, read_notes]
    readers += [safetensors_bytes] if path.suffix == ".safetensors" else [load_suno]
    return [_or_refusal(read, path) for read in readers]


def read_sound(data: bytes, ending: str) -> object:
    from webui.audio import read_audio, read_audio_bytes, read_metadata
    from webui.backend.speech_recipe import recipe_from_json

    if ending not in (".m4a", ".webm"):
        _or_refusal(read_audio_bytes, data)
    said = at_a_path(lambda path: _or_refusal(read_metadata, path))(data, ending)
    if isinstance(said, dict):
        _or_refusal(recipe_from_json, said)
    return at_a_path(read_audio)(data, ending)


def read_archive(path: Path) -> object:
    from webui.array_archive import read_arrays, read_facts

    return [_or_refusal(read, path) for read in (read_facts, read_arrays)]


def read_text(data: bytes, ending: str) -> object:
    from webui.longform.books import read_book
    from webui.longform.script import with_speakers

    return with_speakers(read_book(f"book{ending}", data))


def read_json(path: Path) -> object:
    from webui.backend.speech_recipe import read_recipe

    return read_recipe(path)


@functools.cache
def voices() -> tuple[tuple[str, bytes], ...]:
    facts = {"name": "Ada", "language": "en", "tags": ["a"], "reference_seconds": 3.5}
    with_recipe = {**facts, "recipe": {"text": "Hi.", "controls": {"seed": 3}}}
    return tuple(
        (".npz", npz({**arrays(), "metadata": np.array(json.dumps(each))}))
        for each in (facts, with_recipe)
    )


@functools.cache
def weights() -> tuple[tuple[str, bytes], ...]:
    from safetensors.torch import save

    from tests.hostile_checkpoints import SIZES, WEIGHTS, torch_bytes

    suno = {"model": {"_orig_mod.transformer.h.0.ln_1.weight": WEIGHTS["semantic.a"]}}
    return (
        (".safetensors", save(WEIGHTS, metadata={"version": "0"})),
        (".pt", torch_bytes(WEIGHTS)),
        (".pt", torch_bytes({**suno, "model_args": SIZES, "loss": np.float64(2.0)})),
    )


@functools.cache
def sounds() -> tuple[tuple[str, bytes], ...]:
    import soundfile

    from webui.audio import encode_audio

    times = np.arange(4_000) / 16_000
    tone = (0.3 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    said = {"text": "Hi.", "controls": {"seed": 3}}
    made = [(f".{each}", encode_audio(tone, 16_000, each, said)) for each in ("wav", "flac", "mp3")]
    for kind, part in (("OGG", "VORBIS"), ("AIFF", "PCM_16"), ("CAF", "PCM_16"), ("WAV", "FLOAT")):
        memory = io.BytesIO()
        soundfile.write(memory, tone, 16_000, format=kind, subtype=part)
        made.append((f".{kind.lower()}", memory.getvalue()))
    return tuple(made)


@functools.cache
def archives() -> tuple[tuple[str, bytes], ...]:
    from webui.array_archive import pack_arrays

    values = {"a": np.arange(30).reshape(5, 6), "b": np.ones(4, np.float32)}
    return ((".npz", pack_arrays(values, {"name": "x", "list": [1, 2]})),)


@functools.cache
def books() -> tuple[tuple[str, bytes], ...]:
    pages = {
        "a.xhtml": page("<h1>One</h1><p>Words &amp; more.</p>"),
        "b.xhtml": page("<p>Two.</p>"),
    }
    srt = (
        "1\n00:00:01,000 --> 00:00:02,500\nANNA: Hello.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n"
    )
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.500\n<v Anna>Hello.</v>\n"
    return (
        (".epub", epub(pages, navigation(("a.xhtml", "One")))),
        (".srt", srt.encode()),
        (".vtt", vtt.encode()),
        (".md", b"# One\n\nWords, *more* [words](x).\n\n## Two\n\n> Last.\n"),
        (".txt", "CHAPTER I\n\nANNA: Grüße.\nBOB: Ja.\nANNA: Nein.\n".encode("cp1252")),
    )


@functools.cache
def recipes() -> tuple[tuple[str, bytes], ...]:
    from webui.backend.speech_recipe import SpeechRecipe

    return ((".json", json.dumps(SpeechRecipe("Hello.", "mini", "ada-1").to_json()).encode()),)


def _or_refusal(read: Callable, source: object) -> object:
    from webui.errors import UserError

    try:
        return read(source)
    except UserError as refusal:
        return str(refusal)


TARGETS = {
    "speaker": Target(read_voice, voices),
    "checkpoint": Target(at_a_path(read_weights), weights),
    "audio": Target(read_sound, sounds),
    "archive": Target(at_a_path(read_archive), archives),
    "book": Target(read_text, books),
    "recipe": Target(at_a_path(read_json), recipes),
}
