"""The pairs of a training on disk: never half, never twice, there again after a restart."""

import threading

import numpy as np
import pytest

from webui.backend.pair_store import PairStore
from webui.errors import StorageError
from webui.training_results import FeaturesHeard, PairDropped, PairMade

RATE = 16_000


def pair(number, voice="Ada"):
    dice = np.random.default_rng(number)
    sound = dice.uniform(-1, 1, 800 + number).astype(np.float32)
    tokens = dice.integers(0, 10_000, 5 + number)
    return PairMade(number, f"text {number}", voice, tokens, sound, RATE)


def heard(number):
    features = np.random.default_rng(number).normal(size=(4, 3)).astype(np.float32)
    return FeaturesHeard(number, features)


@pytest.fixture
def store(tmp_path):
    return PairStore(tmp_path)


def test_pairs_come_back_with_their_tokens_and_their_sound_in_16_bits(store, tmp_path):
    store.add([pair(0), pair(1, "")], [PairDropped(2, "silent")])
    for each in (store, PairStore(tmp_path)):
        first, second = each.pairs(*each.shards())
        assert (first.number, first.text, first.voice) == (0, "text 0", "Ada")
        assert (second.voice, second.sample_rate) == ("", RATE)
        np.testing.assert_array_equal(first.semantic, pair(0).semantic)
        np.testing.assert_allclose(second.waveform, pair(1).waveform, atol=1 / 32_767)
        assert each.done() == {0, 1, 2}
        assert each.dropped() == {"silent": 1}
        tokens = each.tokens(*each.shards())
        assert list(tokens) == [0, 1]
        np.testing.assert_array_equal(tokens[1], pair(1).semantic)


def test_the_sound_is_the_same_before_and_after_a_restart(store, tmp_path):
    store.add([pair(0)])
    (first,) = store.pairs("00000000")
    (again,) = PairStore(tmp_path).pairs("00000000")
    np.testing.assert_array_equal(first.waveform, again.waveform)


def test_a_pair_that_is_there_is_not_kept_again(store):
    store.add([pair(0), pair(1)], [PairDropped(2, "length")])
    other = PairMade(1, "other", "", np.zeros(1, np.int64), np.zeros(9, np.float32), RATE)
    store.add([other, pair(3)], [PairDropped(0, "silent"), PairDropped(2, "silent")])
    assert [each.text for each in store.facts()] == ["text 0", "text 1", "text 3"]
    assert store.dropped() == {"length": 1}
    assert store.shards() == ["00000000", "00000003"]
    store.add([pair(3)])
    store.add([])
    assert store.shards() == ["00000000", "00000003"]


def test_a_piece_of_which_everything_was_dropped_is_done_and_has_nothing_to_hear(store):
    store.add([], [PairDropped(4, "unspoken"), PairDropped(5, "silent")])
    assert store.done() == {4, 5}
    assert store.shards() == []


def test_threads_that_add_at_once_lose_nothing(store, tmp_path):
    pieces = [[pair(4 * piece + each) for each in range(4)] for piece in range(12)]
    threads = [threading.Thread(target=store.add, args=(piece,)) for piece in pieces]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.number for each in PairStore(tmp_path).facts()] == list(range(48))


def test_a_damaged_shard_is_put_aside_and_its_pairs_are_to_be_made_again(store, tmp_path):
    store.add([pair(0)])
    store.add([pair(1)])
    path = tmp_path / "pairs" / "00000000.npz"
    path.write_bytes(path.read_bytes()[:-20])
    again = PairStore(tmp_path)
    assert again.done() == {1}
    assert path.with_suffix(".damaged").is_file()
    again.add([pair(0)])
    assert PairStore(tmp_path).done() == {0, 1}


def test_damage_that_only_reading_the_sound_shows_can_be_put_aside_too(store, tmp_path):
    store.add([pair(0)])
    path = tmp_path / "pairs" / "00000000.npz"
    data = bytearray(path.read_bytes())
    data[data.index(b"sound.npy") + 400] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        list(store.pairs("00000000"))
    store.put_aside("00000000")
    assert store.done() == frozenset()
    assert store.shards() == []


def test_what_was_heard_is_kept_for_each_kind_of_listening(store, tmp_path):
    store.add([pair(0), pair(1)])
    store.add([pair(2)])
    assert store.without_features("plain") == ["00000000", "00000002"]
    store.add_features("plain", "00000000", [heard(0), heard(1)])
    again = PairStore(tmp_path)
    assert again.without_features("plain") == ["00000002"]
    assert again.without_features("noisy") == ["00000000", "00000002"]
    found = again.features("plain", "00000000")
    assert list(found) == [0, 1]
    assert found[1].dtype == np.float16
    np.testing.assert_allclose(found[1], heard(1).features, atol=2e-3)
    again.forget_features("plain", "00000000")
    assert again.without_features("plain") == ["00000000", "00000002"]


def test_what_a_killed_process_left_half_written_is_swept(store, tmp_path):
    store.add([pair(0)])
    store.add_features("plain", "00000000", [heard(0)])
    for folder in ("pairs", "features/plain"):
        (tmp_path / folder / ".00000008.npz.abc.part").write_bytes(b"half")
    store.sweep()
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["00000000.npz", "00000000.npz"]
    assert PairStore(tmp_path).done() == {0}


def test_the_facts_of_a_pair_are_known_without_its_sound(store):
    store.add([pair(3)])
    (facts,) = store.facts()
    assert (facts.number, facts.voice, facts.tokens) == (3, "Ada", 8)
    assert facts.seconds == pytest.approx(803 / RATE, abs=1e-3)
