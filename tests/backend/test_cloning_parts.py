"""The parts of cloning: what the catalogue says, what is ready for which family, their download."""

import dataclasses
import hashlib
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.backend.family_files import add_suno, add_tiny
from tests.backend.hub_server import FakeHub, Fault
from webui.backend import cloning_parts, hub, weights
from webui.backend.cloning_catalogue import (
    CLONING_CATALOGUE,
    ENCODER,
    KNN_VC,
    WAVLM,
    WHISPER,
    part_entry,
)
from webui.backend.cloning_parts import CloningParts, suggested_quantizer
from webui.backend.downloads import Downloads
from webui.backend.family_folders import FamilyFolders
from webui.backend.weights import DownloadPatience
from webui.errors import DownloadError, FamilyNotFoundError
from webui.events import Cancelled, CancelToken, Done, Failed, Progress
from webui.family import read_family
from webui.settings import FAMILY, Settings

ENGLISH, GERMAN = "quantizer-en-v1-23", "quantizer-de-v1-14"
BYTES = np.random.default_rng(0).integers(0, 256, 40_000, dtype=np.uint8).tobytes()


@pytest.fixture
def parts(tmp_path):
    return CloningParts(tmp_path)


@pytest.fixture
def bark(tmp_path):
    return read_family(add_suno(tmp_path, "bark"))


def put(parts: CloningParts, *names: str) -> None:
    """Copy a part's files there by hand, as somebody does who has them already."""
    for name in names:
        entry, folder = part_entry(name), parts.root / name
        folder.mkdir(parents=True)
        for file in (*entry.needed, entry.weights[0]):
            (folder / file).write_bytes(b"x")


def nothing_runs(part: str) -> float | None:
    return None


def listed(parts, config, running=nothing_runs):
    return {each.id: each for each in parts.listing(config, running)}


# The catalogue


@pytest.mark.parametrize("entry", CLONING_CATALOGUE.values(), ids=CLONING_CATALOGUE)
def test_an_entry_says_what_a_person_wants_to_know_before_a_download(entry):
    assert part_entry(entry.id) is entry
    assert FAMILY.fullmatch(entry.id)
    assert entry.title
    assert entry.licence
    assert urlsplit(entry.licence_url).scheme == "https"
    assert 10**7 < entry.about_bytes < 2 * 10**9
    assert len(entry.repo.split("/")) == 2
    assert set(entry.requires) <= set(CLONING_CATALOGUE)
    assert entry.file in ("", *entry.weights)
    assert all(len(digest) == 64 for digest in entry.sha256.values())
    assert entry.sha256 or not entry.is_release


def test_an_encoders_folder_is_picked_without_what_other_programs_need():
    names = ["README.md", "config.json", "pytorch_model.bin", "tf_model.h5", ".gitattributes"]
    assert part_entry(ENCODER).choose(names) == ["config.json", "pytorch_model.bin"]
    one = part_entry(ENGLISH)
    assert one.choose(["a.zip", *one.weights]) == [*one.weights]
    with pytest.raises(FamilyNotFoundError, match="no longer holds tokenizer.json"):
        part_entry(WHISPER).choose([*part_entry(WHISPER).needed, "model.safetensors"])


@pytest.mark.parametrize(
    ("language", "name"), [("en", ENGLISH), ("de", GERMAN), ("pl", "quantizer-pl-v1-8"),
                           ("fr", ENGLISH), ("", ENGLISH)],
)  # fmt: skip
def test_the_language_suggests_a_quantizer_and_english_where_there_is_none(language, name):
    assert suggested_quantizer(language).id == name


def test_an_unknown_part_is_refused_in_a_short_sentence():
    with pytest.raises(FamilyNotFoundError, match="no part of cloning") as fault:
        part_entry("x" * 9_000)
    assert len(str(fault.value)) < 200


# What is ready


def test_a_part_is_ready_when_all_its_files_and_all_it_needs_are_there(parts):
    put(parts, KNN_VC)
    assert parts.is_here(KNN_VC)
    assert not parts.is_ready(KNN_VC)
    assert parts.path(KNN_VC) is None
    put(parts, WAVLM)
    assert parts.path(KNN_VC) == parts.root / KNN_VC / "prematch_g_02500000.pt"
    assert parts.path(WAVLM) == parts.root / WAVLM
    (parts.root / WAVLM / "config.json").unlink()
    assert not parts.is_ready(KNN_VC)


def test_the_folder_of_the_parts_is_no_family(parts, bark, tmp_path):
    put(parts, ENCODER, ENGLISH)
    assert list(FamilyFolders((tmp_path,)).all()) == ["bark"]


def test_bark_takes_the_quantizer_of_the_language_and_the_english_one_as_a_substitute(parts, bark):
    put(parts, ENCODER, ENGLISH, GERMAN)
    assert parts.quantizer(bark, "de", None).name == GERMAN
    assert parts.quantizer(bark, "fr", None).name == ENGLISH
    assert parts.quantizer(bark, "de", ENGLISH).name == ENGLISH
    chosen = parts.quantizer(bark, "en", None)
    assert chosen.encoder == parts.root / ENCODER
    assert chosen.file == parts.root / ENGLISH / "quantifier_V1_hubert_base_ls960_23.pth"


def test_of_two_english_quantizers_the_suggested_one_is_taken(parts, bark):
    put(parts, ENCODER, "quantizer-en-v0-14", "quantizer-en-v0-3")
    assert parts.quantizer(bark, "en", None).name == "quantizer-en-v0-14"
    put(parts, ENGLISH)
    assert parts.quantizer(bark, "en", None).name == ENGLISH


def test_a_missing_quantizer_is_told_with_its_size_and_the_command_that_brings_it(parts, bark):
    with pytest.raises(FamilyNotFoundError, match=r"622 MB with .*--download quantizer-de-v1-14"):
        parts.quantizer(bark, "de", None)
    put(parts, ENCODER)
    with pytest.raises(FamilyNotFoundError, match=r"\(244 MB with"):
        parts.quantizer(bark, "de", GERMAN)
    with pytest.raises(FamilyNotFoundError, match='There is no quantizer "knn-vc"'):
        parts.quantizer(bark, "de", KNN_VC)


def own_parts(folder, *names: str) -> None:
    (folder / "hubert").mkdir()
    (folder / "quantizer").mkdir()
    for name in names:
        (folder / "quantizer" / name).write_bytes(b"xy")


def test_a_family_that_brings_its_own_encoder_and_quantizer_uses_these(parts, tmp_path):
    folder = add_tiny(tmp_path, "mini", title="Mini")
    own_parts(folder, "mini.safetensors", "notes.txt", "other.pth")
    config = read_family(folder)
    put(parts, ENCODER, ENGLISH)
    for language in ("en", "de"):
        chosen = parts.quantizer(config, language, None)
        assert chosen.name == "mini"
        assert chosen.file == folder / "quantizer" / "mini.safetensors"
        assert chosen.encoder == folder / "hubert"
    assert parts.quantizer(config, "en", "other").file.suffix == ".pth"
    with pytest.raises(FamilyNotFoundError, match=r"made for Mini.* There: mini, other"):
        parts.quantizer(config, "en", ENGLISH)
    found = listed(parts, config)
    assert found["mini"].state == "ready"
    assert found["mini"].title == "Mini's own quantizer"
    assert ENGLISH not in found
    assert found["quantizer"].state == "ready"


def test_another_family_without_a_quantizer_says_so(parts, tmp_path):
    config = read_family(add_tiny(tmp_path, "mini", title="Mini"))
    put(parts, ENCODER, ENGLISH)
    with pytest.raises(FamilyNotFoundError, match="made for Mini"):
        parts.quantizer(config, "en", None)
    found = listed(parts, config)
    assert found["quantizer"].state == "missing"
    assert found["quantizer"].reason == "Mini has no quantizer."
    assert found["transcript"].state == found["conversion"].state == "ready"


def test_a_quantizer_of_ones_own_for_bark_reads_the_published_encoder(parts, bark):
    (bark.folder / "quantizer").mkdir()
    (bark.folder / "quantizer" / "mine.safetensors").write_bytes(b"x")
    assert parts.quantizers(bark) == []
    put(parts, ENCODER)
    assert parts.quantizer(bark, "de", None).name == "mine"
    assert parts.quantizer(bark, "de", None).encoder == parts.root / ENCODER


def test_the_list_tells_what_can_be_had_what_comes_and_what_it_costs(parts, bark):
    put(parts, ENCODER)
    running = {GERMAN: 0.4}.get
    found = listed(parts, bark, running)
    assert [found[name].kind for name in list(found)[:3]] == ["method"] * 3
    assert (found["quantizer"].state, found["quantizer"].suggested) == ("missing", False)
    assert found[ENCODER].state == "ready"
    assert found[ENGLISH].state == "available"
    assert found[ENGLISH].size_bytes == 244_000_000
    assert (found[GERMAN].state, found[GERMAN].fraction) == ("downloading", 0.4)
    assert found[GERMAN].licence == "not stated"
    assert found[KNN_VC].size_bytes == 66_000_000 + 1_260_000_000
    assert found["builtin"].state == "ready"
    put(parts, ENGLISH)
    assert listed(parts, bark)["quantizer"].state == "ready"


def test_a_package_that_is_not_installed_is_missing_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(cloning_parts, "find_spec", lambda name: None)
    part = cloning_parts.installed_part("pocketsphinx", "recogniser", "x", "en", "BSD")
    assert part.state == "missing"
    assert part.reason == "The package pocketsphinx is not installed. Run ./install.sh."


# Downloads


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        weights, "PATIENCE", DownloadPatience(stall_seconds=0.4, tries=2, first_pause_seconds=0.01)
    )
    monkeypatch.setattr(weights, "PROGRESS_SECONDS", 0.0)
    repos = {
        "facebook/hubert-base-ls960": {"config.json": b"{}", "pytorch_model.bin": BYTES},
        "microsoft/wavlm-large": {"config.json": b"{}", "model.safetensors": BYTES},
        "bshall/knn-vc": {"prematch_g_02500000.pt": BYTES, "g_02500000.pt": b"not wanted"},
        "Lancer1408/bark-es-tokenizer": {"es_tokenizer.pth": BYTES, "README.md": b"hello"},
        "GitMylo/bark-voice-cloning": {"quantifier_hubert_base_ls960.pth": BYTES},
    }
    with FakeHub(repos) as made:
        monkeypatch.setattr(hub, "GITHUB", made.endpoint)
        yield made


@pytest.fixture
def pinned(monkeypatch):
    """The converter with the hash of what the test's server holds."""
    digests = {"prematch_g_02500000.pt": hashlib.sha256(BYTES).hexdigest()}
    entry = dataclasses.replace(part_entry(KNN_VC), sha256=digests)
    monkeypatch.setitem(CLONING_CATALOGUE, KNN_VC, entry)


def download(parts, server, part, cancel=None):
    return list(parts.download(part, server.endpoint, False, cancel or CancelToken()))


def test_a_quantizer_comes_with_its_encoder_as_one_download(parts, server):
    events = download(parts, server, "quantizer-es-v1")
    assert isinstance(events[-1], Done)
    assert sum(isinstance(each, Done) for each in events) == 1
    assert parts.is_ready("quantizer-es-v1")
    assert (parts.root / "quantizer-es-v1" / "es_tokenizer.pth").read_bytes() == BYTES
    assert not (parts.root / "quantizer-es-v1" / "README.md").exists()
    shares = [each.fraction for each in events if isinstance(each, Progress)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert max(shares) == pytest.approx(1.0)
    asked = len(server.requests)
    assert [type(each) for each in download(parts, server, "quantizer-es-v1")] == [Done]
    assert len(server.requests) == asked


def test_the_converter_comes_from_its_release_with_the_pinned_hash(parts, server, pinned):
    assert isinstance(download(parts, server, KNN_VC)[-1], Done)
    assert parts.path(KNN_VC).read_bytes() == BYTES
    assert not (parts.root / KNN_VC / "g_02500000.pt").exists()
    (parts.root / KNN_VC / "prematch_g_02500000.pt").write_bytes(BYTES[:-1])
    assert not parts.is_here(KNN_VC)


def test_a_release_goes_on_where_it_was_cut(parts, server, pinned):
    server.faults["prematch_g_02500000.pt"] = Fault("cut", 20_000, times=2)
    events = download(parts, server, KNN_VC)
    assert isinstance(events[-1], Done)
    asked = [each for path, each in server.requests if path.endswith("prematch_g_02500000.pt")]
    assert "bytes=20000-" in asked


def test_a_release_that_is_another_file_than_the_pinned_one_is_never_used(parts, server):
    with pytest.raises(DownloadError, match="damaged and removed"):
        download(parts, server, KNN_VC)
    assert not parts.is_here(KNN_VC)
    assert parts.is_here(WAVLM)


def test_a_release_that_has_lost_its_file_is_told(parts, server):
    del server.repos["bshall/knn-vc"]["prematch_g_02500000.pt"]
    with pytest.raises(DownloadError, match="has no prematch_g_02500000.pt"):
        download(parts, server, KNN_VC)


def test_a_quantizer_that_differs_from_the_one_the_app_knows_is_refused(parts, server):
    with pytest.raises(DownloadError, match="offers another quantifier_hubert_base_ls960.pth"):
        download(parts, server, "quantizer-en-v0-3")


def test_a_stop_keeps_what_has_come(parts, server):
    cancel = CancelToken()
    events = []
    for event in parts.download("quantizer-es-v1", server.endpoint, False, cancel):
        events.append(event)
        if parts.is_here(ENCODER):
            cancel.cancel()
    assert isinstance(events[-1], Cancelled)
    assert parts.is_here(ENCODER)
    assert not parts.is_here("quantizer-es-v1")


def test_the_apps_downloads_bring_parts_as_they_bring_families(server, tmp_path):
    settings = Settings(models_dir=tmp_path, hf_endpoint=server.endpoint)
    downloads = Downloads(settings)
    try:
        assert isinstance(list(downloads.follow("quantizer-es-v1"))[-1], Done)
        assert CloningParts(tmp_path).is_ready("quantizer-es-v1")
        offline = Downloads(dataclasses.replace(settings, offline=True))
        *_, last = offline.follow(WHISPER)
        assert isinstance(last, Failed)
        assert "work offline" in last.message
    finally:
        downloads.close()
