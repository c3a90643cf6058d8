"""The report card: shares, edit distance, classes and voices, and which of two is better."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.lessons import SHOWN, TOKENS, WIDTH, lessons, short_plan
from webui.cloning.quantizer import Quantizer, QuantizerConfig
from webui.training.evaluate import (
    accuracy_of,
    compare,
    edit_distance,
    evaluate_quantizer,
    hear,
    once,
)
from webui.training.plan import split_pairs


class Matcher(Quantizer):
    """Names the token that the features show; wrong for the tokens in `deaf`."""

    def __init__(self, deaf: tuple[int, ...] = (), shift: int = 0) -> None:
        super().__init__(QuantizerConfig(WIDTH, 8, TOKENS))
        self._shown, self._deaf = torch.from_numpy(SHOWN).float(), deaf
        self.shift = shift  # type: ignore[assignment]

    def forward(self, features: torch.Tensor, is_sound: torch.Tensor | None = None) -> torch.Tensor:
        scores = -torch.cdist(features, self._shown.expand(len(features), -1, -1))
        scores[..., list(self._deaf)] -= 100.0
        return scores


def test_a_perfect_quantizer_has_a_perfect_report():
    data, plan = lessons(40), short_plan()
    split = split_pairs(data, plan)
    report = evaluate_quantizer(Matcher(), data, split)
    assert (report.accuracy, report.accuracy_top5, report.edit_distance) == (1.0, 1.0, 0.0)
    assert report.unseen_voices_accuracy == report.unseen_texts_accuracy == 1.0
    assert report.held_out_pairs == len(split.held_out)
    assert report.pairs == len(split.training)
    assert report.frames == sum(len(data.tokens[place]) for place in split.held_out)
    assert report.held_out_voices == split.held_out_voices


def test_a_quantizer_that_is_deaf_for_some_tokens_loses_just_their_frames():
    data, plan = lessons(40), short_plan()
    split = split_pairs(data, plan)
    classes = {token: "vowel" if token < 6 else "nasal" for token in range(TOKENS - 1)}
    report = evaluate_quantizer(Matcher((1, 2)), data, split, classes)
    rows = np.concatenate([data.tokens[place] for place in split.held_out])
    assert report.accuracy == pytest.approx(float((~np.isin(rows, (1, 2))).mean()))
    vowels = rows[rows < 6]
    assert list(report.by_class) == ["vowel", "nasal"]
    assert report.by_class["nasal"] == 1.0
    assert report.by_class["vowel"] == pytest.approx(float((~np.isin(vowels, (1, 2))).mean()))
    assert evaluate_quantizer(Matcher(), data, split).by_class == {}
    assert report.edit_distance > 0
    assert {*report.by_voice} == {data.voices[place] for place in split.held_out}


def test_the_shift_of_a_quantizer_is_heard_along():
    data = lessons(12, shift=1)
    everything = range(12)
    assert accuracy_of(Matcher(shift=1), data, everything)[0] == 1.0
    assert accuracy_of(Matcher(shift=0), data, everything)[0] < 0.8


def test_frames_that_fill_up_a_shorter_pair_are_not_counted():
    data = lessons(5)
    heard = {each.place: each for each in hear(Matcher(), data, range(5))}
    assert [len(heard[n].labels) for n in range(5)] == [len(row) for row in data.tokens]


def by_the_book(first, second):
    """The distance as it is defined, cell by cell."""
    table = [
        [i + j if not i * j else 0 for j in range(len(second) + 1)] for i in range(len(first) + 1)
    ]
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            table[i][j] = min(
                table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a != b)
            )
    return table[-1][-1]


def test_the_edit_distance_is_that_of_the_definition():
    dice = np.random.default_rng(0)
    for _ in range(60):
        first, second = (dice.integers(0, 4, dice.integers(0, 12)) for _ in range(2))
        assert edit_distance(first, second) == by_the_book(first.tolist(), second.tolist())
    assert edit_distance(np.array([1, 2, 3]), np.zeros(0, int)) == 3


def test_tokens_that_repeat_count_once():
    assert once(np.array([4, 4, 4, 2, 4, 4])).tolist() == [4, 2, 4]
    assert once(np.zeros(0, int)).tolist() == []


def test_of_two_quantizers_the_better_one_is_named_and_alike_ones_are_not_ranked():
    data = lessons(40)
    worse = compare(Matcher(), Matcher((1, 2, 3)), data)
    assert worse.better == "first"
    assert worse.first_accuracy == 1.0
    assert worse.low <= worse.second_accuracy - worse.first_accuracy <= worse.high < 0
    assert compare(Matcher((1, 2, 3)), Matcher(), data).better == "second"
    alike = compare(Matcher((1,)), Matcher((1,)), data)
    assert (alike.better, alike.low, alike.high) == ("alike", 0.0, 0.0)


def test_each_of_two_quantizers_may_hear_the_pairs_in_its_own_way():
    data = lessons(20)
    deaf = replace(data, features=tuple(np.zeros_like(each) for each in data.features))
    result = compare(Matcher(), Matcher(), data, deaf)
    assert result.first_accuracy == 1.0
    assert result.better == "first"


def test_a_difference_of_one_pair_in_a_few_is_not_sure():
    data = lessons(8)
    tokens = (
        np.full_like(data.tokens[0], 1),
        *(np.where(row == 1, 0, row) for row in data.tokens[1:]),
    )
    features = tuple(SHOWN[row].astype(np.float16) for row in tokens)
    result = compare(Matcher(), Matcher((1,)), replace(data, features=features, tokens=tokens))
    assert result.second_accuracy < result.first_accuracy
    assert result.better == "alike"
