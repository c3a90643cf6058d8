"""`python -m webui audiobook` and `projects`: books to files, resumed, and changed card by card."""

import json
import signal
import threading

import pytest

from tests.backend.talking_engine import RATE, TalkingEngine
from tests.command_line import refusal, refusal_as_json, standard_input
from tests.longform.book_files import epub, page
from webui.audio import read_audio
from webui.audio.long_files import BOOK_FORMATS
from webui.backend import service as service_module
from webui.cli import main
from webui.cli_audiobook import MAX_FILE_BYTES
from webui.cli_project_flags import FORMATS
from webui.longform.book import MAX_BOOK_BYTES

BOOK = "Chapter One\n\nThe moon is bright.\n\nANNA: Who is there?\n\nChapter Two\n\nThe end."


@pytest.fixture
def engines(monkeypatch):
    """The engines of all runs; set `fails` of the next one by `engines.prepare`."""
    made = []

    def make(_):
        engine = TalkingEngine()
        engine.fails = fails[0]
        made.append(engine)
        return engine

    fails = [""]
    monkeypatch.setattr(service_module, "make_engine", make)
    make.made, make.fails = made, fails
    return make


@pytest.fixture
def webui(tmp_path, engines):
    folders = ["--outputs-dir", tmp_path / "outputs", "--speakers-dir", tmp_path / "speakers"]

    def run(command, *words):
        return main([command, *map(str, words), "--family", "mini", *map(str, folders)])

    return run


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "tale.txt"
    path.write_text(BOOK)
    return path


def listed(webui, capsys):
    """All projects as `projects --json` gives them."""
    capsys.readouterr()
    assert webui("projects", "--json") == 0
    return json.loads(capsys.readouterr().out)


def cards(webui, capsys, project):
    capsys.readouterr()
    assert webui("projects", "show", project, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    return {card["id"]: card for each in found["chapters"] for card in each["cards"]}


def test_formats_and_bounds_are_those_of_the_modules_that_are_not_imported_here():
    assert FORMATS == BOOK_FORMATS
    assert MAX_FILE_BYTES == MAX_BOOK_BYTES


def test_a_book_becomes_one_file_and_the_page_lists_it(webui, book, tmp_path, capsys, engines):
    assert webui("audiobook", book, "--out", tmp_path / "tale.wav", "--subtitles", "srt") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 chapters in 5 parts, about 5 s of speech." in err
    assert "Part 5 of 5 is spoken." in err
    sound, rate = read_audio(tmp_path / "tale.wav")
    assert rate == RATE
    assert len(sound) > rate
    assert "Who is there?" in (tmp_path / "tale.srt").read_text()
    (project,) = listed(webui, capsys)
    assert (project["name"], project["done"], project["cards"]) == ("tale", 5, 5)


def test_given_again_nothing_is_spoken_twice_and_another_wish_is_another_text(
    webui, book, tmp_path, capsys, engines
):
    for out in ("one.flac", "two.mp3"):
        assert webui("audiobook", book, "--out", tmp_path / out) == 0
    assert [len(each.asked) for each in engines.made] == [5, 0]
    assert webui("audiobook", book, "--out", tmp_path / "x.wav", "--pause-seconds", "1") == 0
    assert len(engines.made[2].asked) == 5
    assert len(listed(webui, capsys)) == 2


def test_a_folder_gets_a_file_for_each_chapter(webui, book, tmp_path, capsys):
    folder = tmp_path / "parts"
    assert webui("audiobook", book, "--out", folder, "--subtitles", "vtt", "--format", "wav") == 0
    assert sorted(each.name for each in folder.iterdir()) == [
        "01-chapter-one.vtt", "01-chapter-one.wav", "02-chapter-two.vtt", "02-chapter-two.wav",
    ]  # fmt: skip
    assert "<v ANNA>" in (folder / "01-chapter-one.vtt").read_text()


def test_one_chapter_alone_and_voices_by_name(webui, book, tmp_path, capsys, engines):
    line = ("audiobook", book, "--out", tmp_path / "a.mp3", "--chapter", "1", "--json")
    assert webui(*line, "--voice", "Bea", "--voices", "ANNA=Gus", "--project", "My tale") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["missing"] == []
    assert said["files"] == [str(tmp_path / "a.mp3")]
    assert (said["project"]["name"], said["project"]["done"]) == ("My tale", 3)
    assert engines.made[0].texts == ["Chapter One", "The moon is bright.", "Who is there?"]
    details = [each for each in listed(webui, capsys) if each["name"] == "My tale"]
    assert webui("projects", "show", details[0]["id"], "--json") == 0
    voices = json.loads(capsys.readouterr().out)["voices"]
    assert voices[""].startswith("bea")
    assert voices["ANNA"].startswith("gus")


def test_a_book_from_standard_input_and_an_epub(webui, tmp_path, monkeypatch, engines):
    monkeypatch.setattr("sys.stdin", standard_input(b"Good morning."))
    assert webui("audiobook", "-", "--out", tmp_path / "a.wav") == 0
    path = tmp_path / "sea.epub"
    path.write_bytes(epub({"a.xhtml": page("<p>The sea.</p>")}))
    assert webui("audiobook", path, "--out", tmp_path / "b.wav") == 0
    assert [each.texts for each in engines.made] == [["Good morning."], ["The sea."]]


def test_parts_that_fail_are_named_the_rest_is_written_and_the_next_try_mends_it(
    webui, book, tmp_path, capsys, engines
):
    engines.fails[0] = "moon"
    line = ("audiobook", book, "--out", tmp_path / "a.wav", "--json")
    assert webui(*line) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["missing"] == ["The moon is bright."]
    assert 'Not spoken: "The moon is bright."' in err
    assert (tmp_path / "a.wav").is_file()
    engines.fails[0] = ""
    assert webui(*line) == 0
    assert engines.made[1].texts == ["The moon is bright."]


def test_ctrl_c_keeps_what_is_spoken_and_the_same_command_goes_on(
    webui, book, capsys, engines, monkeypatch
):
    original = TalkingEngine.run

    def interrupted(self, request, cancel=None):
        if self is engines.made[0] and len(self.asked) == 2:
            self.gate.clear()
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return original(self, request, cancel)

    monkeypatch.setattr(TalkingEngine, "run", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = webui("audiobook", book, "--out", book.parent / "a.wav")
    finally:
        signal.signal(signal.SIGINT, before)
    err = capsys.readouterr().err
    assert code == 130
    assert "2 of 5 parts are spoken and kept. The same command goes on." in err
    assert not (book.parent / "a.wav").exists()
    assert webui("audiobook", book, "--out", book.parent / "a.wav") == 0
    assert len(engines.made[1].asked) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Say which book and where to"),
        (("{book}",), "Say which book and where to"),
        (("{book}", "--out", "{tmp}/no/a.mp3"), "is not there. Make it first"),
        (("{tmp}/gone.txt", "--out", "{tmp}/a.mp3"), "cannot be read"),
        (("{book}", "--out", "{book}"), "Give a folder"),
        (("{book}", "--out", "{tmp}/a.mp3", "--voice", "Nobody"), "is not there"),
        (("{book}", "--out", "{tmp}/a.mp3", "--voices", "ANNA"), "NAME=VOICE"),
        (("{book}", "--out", "{tmp}/a.mp3", "--chapter", "9"), "has 2 chapters"),
        (("{book}", "--out", "{tmp}/a.mp3", "--min-eos-p", "7"), "end-of-speech threshold"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(webui, book, capsys, words, told):
    given = [word.format(book=book, tmp=book.parent) for word in words]
    assert told in refusal(capsys, webui("audiobook", *given))
    assert not (book.parent / "a.mp3").exists()


def test_projects_are_listed_in_a_table_and_an_empty_list_says_how_to_begin(
    webui, book, tmp_path, capsys
):
    assert webui("audiobook", "--list") == 0
    assert "audiobook BOOK --out PATH" in capsys.readouterr().err
    webui("audiobook", book, "--out", tmp_path / "a.wav")
    (project,) = listed(webui, capsys)
    for command in (("projects",), ("projects", "list"), ("audiobook", "--list")):
        assert webui(*command) == 0
        head, row = capsys.readouterr().out.splitlines()
        assert head.split() == ["ID", "NAME", "CHAPTERS", "DONE", "LENGTH", "CHANGED", "REMARK"]
        assert row.split()[:2] == [project["id"], "tale"]


@pytest.mark.slow
def test_all_that_the_page_does_with_cards_is_done_here_too(webui, book, tmp_path, capsys, engines):
    webui("audiobook", book, "--out", tmp_path / "a.wav")
    project = listed(webui, capsys)[0]["id"]

    def do(action, *words):
        assert webui("projects", action, project, *words) == 0

    do("edit", "c1", "--text", "The sun is red.", "--pause", "1.5", "--seed", "4", "--voice", "Gus")
    changed = cards(webui, capsys, project)["c1"]
    assert (changed["text"], changed["seed"], changed["pause_seconds"]) == (
        "The sun is red.", 4, 1.5,
    )  # fmt: skip
    assert changed["voice"].startswith("gus")
    do("edit", "c1", "--voice", "")
    assert cards(webui, capsys, project)["c1"]["voice"] is None
    do("speak")
    assert engines.made[-1].texts == ["The sun is red."]
    do("reroll", "c1")
    assert cards(webui, capsys, project)["c1"]["takes"] == 1
    do("undo", "c1")
    do("split", "c1", "7")
    assert cards(webui, capsys, project)["c5"]["text"] == "is red."
    do("merge", "c1")
    do("lock", "c1")
    assert cards(webui, capsys, project)["c1"]["locked"]
    do("unlock", "c1")
    do("insert", "c1", "And so on.")
    do("move", "c6", "--by", "-1")
    assert list(cards(webui, capsys, project))[:3] == ["c0", "c6", "c1"]
    do("move", "c6")
    assert list(cards(webui, capsys, project))[:3] == ["c0", "c1", "c6"]
    do("remove", "c4")
    do("voice", "ANNA", "Hal")
    do("speak", "--chapter", "1", "--card", "c6", "--card", "c2")
    assert engines.made[-1].texts == ["And so on.", "Who is there?"]
    do("hear", "c2", "--out", tmp_path / "card.wav")
    do("export", "--out", tmp_path / "part.flac", "--chapter", "1")
    do("export", "--out", tmp_path / "part.vtt")
    do("rename", "New name")
    assert listed(webui, capsys)[0]["name"] == "New name"
    assert {"card.wav", "part.flac", "part.vtt"} <= {each.name for each in tmp_path.iterdir()}
    do("delete")
    assert listed(webui, capsys) == []


def test_an_action_that_cannot_be_says_why(webui, book, tmp_path, capsys):
    error, kind = refusal_as_json(capsys, webui("projects", "show", "../x", "--json"))
    assert kind == "ProjectError"
    assert "no such text" in error
    webui("audiobook", book, "--out", tmp_path / "a.wav")
    project = listed(webui, capsys)[0]["id"]
    assert "not there any more" in refusal(capsys, webui("projects", "lock", project, "c99"))
    code = webui("projects", "export", project, "--out", tmp_path / "a.exe")
    assert "ends in none of" in refusal(capsys, code)
