"""What the catalogue says of the families that can be downloaded, and which files it picks."""

from urllib.parse import urlsplit

import pytest

from webui.backend.catalogue import BARK_LANGUAGES, CATALOGUE, catalogue_entry
from webui.errors import FamilyNotFoundError
from webui.settings import FAMILY

HUB = [
    ".gitattributes",
    "README.md",
    "config.json",
    "flax_model.msgpack",
    "generation_config.json",
    "pytorch_model.bin",
    "speaker_embeddings/announcer_fine_prompt.npy",
    "speaker_embeddings/v2/de_speaker_0_semantic_prompt.npy",
    "speaker_embeddings/v2/notes.txt",
    "speaker_embeddings_path.json",
    "special_tokens_map.json",
    "text_2.pt",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
]
"""As suno/bark-small has them, with some that it has not."""


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_an_entry_says_what_a_person_wants_to_know_before_a_download(entry):
    assert CATALOGUE[entry.id] is catalogue_entry(entry.id)
    assert FAMILY.fullmatch(entry.id)
    assert entry.title
    assert entry.licence
    assert urlsplit(entry.licence_url).scheme == "https"
    assert 10**9 < entry.about_bytes < 10**10
    assert set(entry.languages) == set(BARK_LANGUAGES)
    assert len(entry.repo.split("/")) == 2


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_only_the_files_that_the_app_reads_are_picked(entry):
    left_out = {
        ".gitattributes",
        "README.md",
        "flax_model.msgpack",
        "speaker_embeddings/v2/notes.txt",
        "text_2.pt",
    }
    assert entry.choose(HUB) == [name for name in HUB if name not in left_out]


@pytest.mark.parametrize("missing", ["config.json", "generation_config.json", "pytorch_model.bin"])
def test_a_repository_that_lost_a_file_is_refused_by_that_files_name(missing):
    with pytest.raises(FamilyNotFoundError, match=f"suno/bark no longer holds {missing}"):
        catalogue_entry("bark").choose([name for name in HUB if name != missing])


@pytest.mark.parametrize("kept", ["vocab.txt", "tokenizer.json"])
def test_either_form_of_the_tokenizer_is_enough(kept):
    other = {"vocab.txt": "tokenizer.json", "tokenizer.json": "vocab.txt"}[kept]
    assert kept in catalogue_entry("bark").choose([name for name in HUB if name != other])


@pytest.mark.parametrize("name", ["", "../bark", "BARK", "x" * 5_000])
def test_an_unknown_family_is_refused_with_those_that_there_are(name):
    with pytest.raises(FamilyNotFoundError, match="There are bark-small and bark") as fault:
        catalogue_entry(name)
    assert len(str(fault.value)) < 200
