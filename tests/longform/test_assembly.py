"""Cards' sounds as one track: where each lies, and what is heard between them."""

import numpy as np
import pytest

from webui.longform.assembly import LEAST_GAP_SECONDS, Piece, assemble, placements

RATE = 1_000


def tone(samples: int, level: float = 0.1):
    return (level * np.sin(np.arange(samples) * 0.7)).astype(np.float32)


def track(pieces, sounds):
    return np.concatenate(list(assemble(pieces, lambda number: sounds[number], RATE)))


@pytest.mark.parametrize("pause", [0.0, 0.25])
def test_a_card_lies_where_its_placement_says(pause):
    lengths = (900, 400, 31, 700)
    pieces = [Piece(length, pause) for length in lengths]
    sounds = [tone(length) for length in lengths]
    whole = track(pieces, sounds)
    placed = placements(pieces, RATE)
    assert placed[-1].end == len(whole)
    for number, place in enumerate(placed):
        middle = slice(place.start + 15, place.start + 16)
        alone = sounds[number][15:16]
        inside = lengths[number] > 100
        assert place.end - place.start == lengths[number]
        if inside:
            level = np.abs(whole[place.start + 100 : place.end - 100]).max()
            assert level == pytest.approx(0.1, rel=0.05)
        elif pause:
            np.testing.assert_allclose(whole[middle], alone, rtol=0.5)
    gaps = [after.start - before.end for before, after in zip(placed, placed[1:], strict=False)]
    assert gaps == [250, 250, 250] if pause else all(gap < 0 for gap in gaps)


def test_cards_of_subtitles_begin_when_they_should_or_as_soon_as_they_can():
    pieces = [
        Piece(500, 0.25, 1.0),
        Piece(3_000, 0.25, 2.0),
        Piece(500, 0.25, 3.0),
        Piece(9, 0, 9.0),
    ]
    late = 5_000 + round(LEAST_GAP_SECONDS * RATE)
    assert [each.start for each in placements(pieces, RATE)] == [1_000, 2_000, late, 9_000]
    whole = track(pieces, [tone(each.samples) for each in pieces])
    assert len(whole) == 9_009
    assert not whole[:1_000].any()
    assert np.abs(whole[1_100:1_400]).max() > 0.05
    assert not whole[1_501:1_999].any()


def test_quieter_and_louder_cards_come_to_the_level_of_the_first():
    sounds = [tone(2_000, 0.1), tone(2_000, 0.05), tone(2_000, 0.3)]
    whole = track([Piece(2_000, 0.1)] * 3, sounds)
    for place in placements([Piece(2_000, 0.1)] * 3, RATE):
        assert np.abs(whole[place.start + 50 : place.end - 50]).max() == pytest.approx(
            0.1, rel=0.05
        )


def test_joins_make_no_clicks():
    sounds = [np.full(500, 0.1, np.float32), np.full(500, -0.1, np.float32)]
    for pause in (0.0, 0.2):
        whole = track([Piece(500, pause)] * 2, sounds)
        assert np.abs(np.diff(whole)).max() < 0.05


def test_no_cards_are_no_sound():
    assert placements([], RATE) == []
    assert not np.concatenate(list(assemble([], lambda _: tone(1), RATE))).size
