"""Nonsense: seeded, different, of the right length, in every language of Bark."""

from importlib import resources

import pytest

from webui.errors import TextError
from webui.synthesis.chunking import estimate_seconds
from webui.training.nonsense import LANGUAGES, NonsenseText, characters_for, corpus

ORDERS = ("word", "character")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("order", ORDERS)
def test_every_language_gives_hundreds_of_different_texts_of_the_right_length(language, order):
    longest = characters_for(corpus(language), 3.0)
    texts = NonsenseText(corpus(language), order, 0, longest // 2, longest).texts(200)
    assert len({*texts}) == 200
    assert all(longest // 2 <= len(text) <= longest for text in texts)
    assert all(text[-1] in ".!?。！？।" for text in texts)


@pytest.mark.parametrize("order", ORDERS)
def test_the_same_seed_gives_the_same_texts_and_another_one_others(order):
    text = corpus("en")
    few, more = (NonsenseText(text, order, 5).texts(count) for count in (10, 30))
    assert more[:10] == few
    assert not {*NonsenseText(text, order, 6).texts(10)} & {*few}


def test_texts_of_words_hold_only_words_of_the_corpus():
    known = {word.strip(".,!?") for word in corpus("de").split()}
    said = " ".join(NonsenseText(corpus("de"), "word", 1, 40, 90).texts(50))
    assert {word.strip(".,!?") for word in said.split()} <= known


def test_texts_of_letters_hold_new_words_made_of_its_letters():
    text = corpus("en")
    said = " ".join(NonsenseText(text, "character", 1, 40, 90).texts(50))
    assert {*said} <= {*text}
    assert len({*said.split()} - {*text.split()}) > 20


def test_nonsense_is_no_sentence_of_the_corpus():
    sentences = {*corpus("en").splitlines()}
    assert len({*NonsenseText(corpus("en"), "word", 0, 30, 70).texts(200)} & sentences) < 10


def test_languages_without_spaces_get_none():
    for language in ("ja", "zh"):
        for order in ORDERS:
            assert not any(" " in text for text in NonsenseText(corpus(language), order).texts(50))


def test_the_texts_are_the_same_on_every_machine():
    assert NonsenseText(corpus("en"), "word", 0, 20, 40).texts(1) == ["She learned to school."]


@pytest.mark.parametrize(
    ("text", "order", "said"),
    [
        ("too few words", "word", "only 3 different words"),
        ("aaa bbb", "character", "only 3 different letters"),
        ("", "word", "only 0 different words"),
        ("a " * 1_500_000, "word", "more than 2,000,000 characters"),
    ],
)
def test_a_corpus_that_gives_no_nonsense_is_refused_in_words(text, order, said):
    with pytest.raises(TextError, match=said):
        NonsenseText(text, order).texts(1)


def test_a_corpus_that_is_too_small_for_so_many_texts_says_how_many_it_gives():
    words = " ".join(f"{letter}a" for letter in "bcdfghjklmnpqrstvwxyz") + "."
    with pytest.raises(TextError, match=r"gives only \d+ different pieces of nonsense instead of"):
        NonsenseText(words, "word", 0, 3, 5).texts(100)


def test_lengths_that_make_no_sense_are_refused():
    with pytest.raises(TextError, match="be no shorter"):
        NonsenseText(corpus("en"), "word", 0, 50, 40).texts(1)


def test_a_language_that_bark_does_not_speak_has_no_corpus():
    with pytest.raises(TextError, match="choose one of de, en"):
        corpus("../../../etc/passwd")


def test_the_corpora_are_those_of_the_languages_and_go_into_the_package():
    folder = resources.files("webui.training") / "corpora"
    assert sorted(each.name for each in folder.iterdir()) == [f"{code}.txt" for code in LANGUAGES]
    for language in LANGUAGES:
        lines = corpus(language).splitlines()
        assert len({*lines}) == len(lines) >= 60
        assert estimate_seconds(corpus(language)) > 120


def test_the_corpora_are_installed_with_the_package(tmp_path, monkeypatch):
    from pathlib import Path

    from setuptools import Distribution
    from setuptools.command.build_py import build_py

    monkeypatch.chdir(Path(__file__).parents[2])
    project = Distribution()
    project.parse_config_files(["pyproject.toml"], ignore_option_errors=False)
    project.include_package_data = False  # what git tracks besides is another question
    builder = build_py(project)
    builder.finalize_options()
    found = {name for package, _, _, names in builder.data_files for name in names}
    assert {f"corpora/{code}.txt" for code in LANGUAGES} <= found
