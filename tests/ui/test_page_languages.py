"""Every word of the page in every language: none missing, none left over, none without its gaps."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.ui.interface_words import (
    GAP,
    MARKS,
    UI,
    KnownWords,
    faults_of,
    said_by,
    source_words,
    told_faults,
)
from webui.backend.engine import HANGS
from webui.backend.project_render import SILENT
from webui.backend.project_store import IN_USE
from webui.settings import Settings
from webui.ui.clone_reading import TEXTS
from webui.ui.page import build_page, launch_options
from webui.ui.page_languages import (
    FOLDER,
    language_choice,
    language_routes,
    page_languages,
    read_language,
)
from webui.ui.studio import open_studio

LANGUAGES = page_languages()
# Kinds of files, and what is read aloud in English whatever the page's language is.
STAYING = frozenset({"FLAC", "M4B", "MP3", "SRT", "VTT", "WAV", TEXTS["en"]})
GAP_SIGN = re.compile(r"\{[^}]+\}")
# What programs and the command line are told, not the page.
NOT_SHOWN = ("api_endpoints.py", "api_values.py", "guard.py", "share_link.py", "page.py")
# What works below the page, and may fail there.
WORKING = [
    *(
        file
        for file in sorted(UI.parent.glob("*/**/*.py"))
        if file.parent.name not in ("ui", "http_api")
    ),
    *(
        file
        for file in sorted(UI.parent.glob("*.py"))
        if not file.name.startswith(("cli", "settings"))
    ),
]
# Ends the app before there is a page: only the terminal reads it.
AT_START = re.compile(r"SPACES_ZERO_GPU|Ray is not installed|ray start")

each_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda each: each.code)


def known(language):
    return KnownWords(language.words, STAYING)


@pytest.fixture(params=["local", "public", "space", "shared"])
def page(request, settings, service, tmp_path):
    space = {"SPACE_ID": "someone/bark", "OAUTH_CLIENT_ID": "x"} if request.param == "space" else {}
    how = Settings.from_environment(space)
    settings = replace(
        settings,
        public=request.param in ("public", "space"),
        share=request.param == "shared",
        on_space=how.on_space,
    )
    return build_page(open_studio(service, settings, tmp_path / "page"))


def test_german_and_chinese_are_there():
    assert [(each.code, each.name) for each in LANGUAGES] == [("de", "Deutsch"), ("zh", "中文")]


def test_every_word_of_the_built_page_is_translated(page):
    said = said_by(page)
    assert {"Text-to-Speech", "Speak", "The model that speaks.", "Any voice"} <= said
    assert {each.code: known(each).missing(said) for each in LANGUAGES} == {"de": [], "zh": []}


@each_language
def test_every_fault_that_the_page_raises_itself_is_translated(language):
    modules = [file for file in sorted(UI.glob("*.py")) if file.name not in NOT_SHOWN]
    faults = {text for file in modules for text in faults_of(file)}
    assert len(faults) > 60
    assert known(language).missing(faults) == []


@each_language
def test_every_fault_that_the_work_tells_of_is_translated(language):
    faults = told_faults(*WORKING)
    assert len(faults) > 300
    assert {"Type something to speak first.", SILENT, HANGS, IN_USE} <= faults
    missing = set(known(language).missing(faults))
    assert sorted(text for text in missing if not AT_START.search(text)) == []


def test_faults_are_found_wherever_their_words_stand(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        'NAMED = "Named before."\n'
        "def made(count):\n"
        "    return f'Made of {count}.'\n"
        "def fail(way, fault):\n"
        "    words = f'Put together. {NAMED}'\n"
        "    if way == 1:\n"
        "        raise TextError('Plain.')\n"
        "    if way == 2:\n"
        "        raise EngineError(words) from fault\n"
        "    if way == 3:\n"
        "        raise ProjectError(made(way))\n"
        "    if way == 4:\n"
        "        return StorageError('One.' if fault else 'The other.')\n"
        "    if way == 5:\n"
        "        yield Failed(NAMED, 'EngineError')\n"
        "    raise ValueError('nobody reads this')\n"
    )
    assert told_faults(file) == {
        "Plain.", "Put together. Named before.", "Made of 7.", "One.", "The other.",
        "Named before.",
    }  # fmt: skip


def test_a_word_that_is_not_translated_is_found():
    words = KnownWords({"Speak": "Sprechen", "{#n} of {~what}": "{#n} von {~what}"}, STAYING)
    said = {"Speak", "Stop", "3 of Speak", "3 of cards", "MP3", "**Speak**", "Speak · Stop"}
    assert words.missing(said) == ["3 of cards", "Speak · Stop", "Stop"]


def test_all_files_hold_the_same_words():
    first, *others = (json.loads(file.read_text("utf-8")) for file in FOLDER.glob("*.json"))
    for other in others:
        assert list(other["words"]) == list(first["words"])
        assert list(other["gradio"]) == list(first["gradio"])


@each_language
def test_no_translation_is_empty_or_loses_a_gap_or_a_mark(language):
    for english, other in language.words.items():
        assert other.strip() == other != "", english
        assert sorted(GAP.findall(other)) == sorted(GAP.findall(english)), english
        assert re.sub(GAP, "", other).count("{") == 0, english
        # The browser writes into the texts that are there: each must have one of its own.
        assert shape(other) == shape(english), english


def shape(text):
    return MARKS.findall(text), [bool(part.strip()) for part in MARKS.split(text)]


def test_no_word_is_kept_that_the_app_never_says():
    said = source_words(*Path(UI).parent.rglob("*.py")).casefold()
    words = json.loads((FOLDER / "de.json").read_text("utf-8"))["words"]
    unsaid = {
        key
        for key in words
        for part in re.split(rf"\n|{MARKS.pattern}|[:;,.·!?()“”‘’]", GAP_SIGN.sub("\n", key))
        if len(part.strip()) > 3 and not is_made_of(part.split(), said)
    }
    assert unsaid == set()


def is_made_of(words, said, pieces=3):
    """Whether so many pieces that the app says make up the words, one after the other."""
    if not words:
        return True
    whole = range(len(words), 0, -1) if pieces else ()
    return any(
        is_made_of(words[count:], said, pieces - 1)
        for count in whole
        if " ".join(words[:count]).casefold().removesuffix("s") in said
    )


def test_the_browser_is_told_of_each_language_and_gets_its_words_from_the_page_alone():
    head = launch_options(Settings())["head"]
    client = TestClient(Starlette(routes=language_routes()))
    assert "://" not in head.replace("http://www.w3.org", "")
    for language in LANGUAGES:
        assert json.dumps(language.address) in head
        answer = client.get(f"/{language.address}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == language.words


def test_other_words_have_another_address(tmp_path):
    file = tmp_path / "fr.json"
    addresses = set()
    for word in ("Parler", "Dire"):
        held = {"name": "Français", "words": {"Speak": word}, "gradio": {}}
        file.write_text(json.dumps(held), "utf-8")
        addresses.add(read_language(file).address)
    assert len(addresses) == 2
    assert all(each.startswith("languages/fr.json?") for each in addresses)


def test_each_language_is_offered_under_its_own_name():
    choice = language_choice()
    assert re.findall(r'value="(\w+)" lang="\1">([^<]+)<', choice) == [
        ("en", "English"),
        ("de", "Deutsch"),
        ("zh", "中文"),
    ]
    assert 'translate="no"' in choice
