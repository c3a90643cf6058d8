"""What the terminal shows: results on one side, words and progress on the other."""

import io
import json
import os
import signal
import sys

import pytest

from tests.fake_service import RATE, sine
from webui.cli_terminal import (
    CLEAR_LINE,
    MisuseError,
    Parser,
    describe,
    duration,
    follow,
    in_words,
    one_line,
    print_json,
    print_table,
    say,
    write_out,
)
from webui.errors import AudioFileError, EngineError, StorageError, TextError, UserError
from webui.events import AudioChunk, Cancelled, CancelToken, Done, Failed, Progress, Speech

ESCAPES = "\x1b[31mred\x1b[0m\r\n\x07\u202etxt\u200b\udcff"


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Full(io.StringIO):
    """An output on a disk without space."""

    def flush(self):
        raise OSError(28, "No space left on device")


class Gone(io.StringIO):
    """An output that nobody reads any more."""

    def flush(self):
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def interrupts(monkeypatch):
    """SIGINT as in a terminal, whoever started the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_what_would_move_or_colour_the_terminal_is_left_out():
    assert one_line(ESCAPES) == "[31mred[0m txt"


def test_a_message_is_one_line_on_the_side_of_faults(capsys):
    say(f"The file {ESCAPES} is broken.\nTry again.")
    assert capsys.readouterr() == ("", "The file [31mred[0m txt is broken. Try again.\n")


@pytest.mark.parametrize("gone", [None, Gone(), Full()], ids=["closed", "gone", "full"])
def test_a_message_that_nobody_can_read_stops_nothing(gone, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", gone)
    say("Good morning.")
    assert capsys.readouterr().out == ""


def test_json_keeps_the_letters_that_the_output_can_show(capsys):
    print_json({"text": "Grüße, 世界"})
    out = capsys.readouterr().out
    assert "Grüße, 世界" in out
    assert json.loads(out) == {"text": "Grüße, 世界"}


@pytest.mark.parametrize(
    ("encoding", "text"), [("ascii", "Grüße"), ("utf-8", "file\udcff"), ("latin-1", "世界")]
)
def test_json_comes_whole_through_an_output_with_fewer_letters(encoding, text, monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", output)
    print_json({"text": text})
    assert json.loads(output.buffer.getvalue().decode(encoding)) == {"text": text}


def test_a_table_has_columns_as_wide_as_their_longest_entry(capsys):
    print_table(("ID", "NAME"), [("a", "Ada"), ("long-id", "")])
    assert capsys.readouterr().out == "ID       NAME\na        Ada\nlong-id\n"


def test_a_name_of_a_strangers_file_cannot_break_the_table(capsys):
    print_table(("NAME", "FROM"), [(ESCAPES, "own")])
    out = capsys.readouterr().out
    assert out.count("\n") == 2
    assert "\x1b" not in out


def test_a_table_comes_through_an_output_with_fewer_letters(monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", output)
    print_table(("NAME",), [("Jürgen",)])
    assert output.buffer.getvalue() == b"NAME\nJ\\xfcrgen\n"


def test_bytes_follow_the_text_written_before_them(capfdbinary):
    write_out("text\n")
    write_out(b"\x00\xff")
    assert capfdbinary.readouterr().out == b"text\n\x00\xff"


@pytest.mark.parametrize(
    ("output", "words"), [(Full(), "No space left"), (None, "standard output is closed")]
)
def test_a_result_that_cannot_be_written_is_told(output, words, monkeypatch):
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(StorageError, match=words):
        write_out("result")


def test_a_reader_who_has_gone_is_not_a_fault_of_the_disk(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        write_out("result")


def test_a_misunderstood_word_is_refused_in_one_short_sentence(capsys):
    parser = Parser(prog="python -m webui", allow_abbrev=False)
    with pytest.raises(MisuseError) as refusal:
        parser.parse_args(["--" + "x" * 1_000_000 + ESCAPES])
    message = str(refusal.value)
    assert message.startswith("Unrecognized arguments: --xxx")
    assert message.endswith("... See `python -m webui --help`.")
    assert len(message) < 300
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (TextError("Say something."), "Say something."),
        (ModuleNotFoundError("...", name="torch"), "The package torch is not installed"),
        (ImportError("wrong ELF class"), "does not start (wrong ELF class)"),
        (PermissionError(13, "Permission denied", "/m"), '"/m" cannot be used: Permission denied.'),
        (PermissionError(13, "Permission denied", b"/m"), '"/m" cannot be used'),
        (OSError("Cannot find empty port"), "That failed: Cannot find empty port."),
    ],
)
def test_every_fault_becomes_a_sentence(fault, message):
    said = in_words(fault)
    assert isinstance(said, UserError)
    assert message in str(said)


def test_progress_is_one_short_line():
    progress = Progress("coarse", 0.256, 4.4, 1, 3, "half precision")
    assert (
        describe(progress) == " 26%  drawing the voice, part 2 of 3, half precision, about 4 s left"
    )
    assert describe(Progress("fine", 0.5, 7_800.0)) == " 50%  adding detail, about 2 h 10 min left"
    assert describe(Progress("queued", 0.0)) == "  0%  waiting"
    assert describe(Progress("polishing", 1.0)) == "100%  polishing"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (7_140.0, "119 min"),
        (7_200.0, "2 h 0 min"),
    ],
)
def test_times_are_said_in_units_that_people_use(seconds, words):
    assert duration(seconds) == words


def speech():
    return Speech(sine(), RATE, (), 1, 0.1)


def test_the_result_of_a_job_is_what_it_ended_with():
    made = speech()
    assert follow([Progress("load", 0.5), Done(made)], CancelToken()) is made
    assert follow([Done()], CancelToken()) is None


def test_a_failed_job_fails_with_its_own_class_and_words():
    with pytest.raises(AudioFileError, match="^No sound$"):
        follow([Failed("No sound", "AudioFileError")], CancelToken())
    with pytest.raises(UserError, match="^Odd$"):
        follow([Failed("Odd", "NoSuchError")], CancelToken())


def test_a_job_that_ends_without_a_word_has_failed():
    with pytest.raises(EngineError, match="without a result"):
        follow([Progress("load", 0.5)], CancelToken())


def test_a_stopped_job_counts_as_stopped_even_if_it_was_done_by_then():
    with pytest.raises(KeyboardInterrupt):
        follow([Cancelled()], CancelToken())
    late = CancelToken()
    late.cancel()
    with pytest.raises(KeyboardInterrupt):
        follow([Done(speech())], late)


def test_the_first_interrupt_asks_the_job_to_stop_and_the_second_does_not_wait(interrupts):
    cancel, told = CancelToken(), []

    def stubborn():
        yield Progress("load", 0.1)
        os.kill(os.getpid(), signal.SIGINT)
        yield Progress("load", 0.2)
        told.append(cancel.cancelled)
        os.kill(os.getpid(), signal.SIGINT)
        told.append("not reached")
        yield Done()

    with pytest.raises(KeyboardInterrupt):
        follow(stubborn(), cancel)
    assert told == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_job_in_the_background_of_a_shell_is_not_interrupted(interrupts):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cancel = CancelToken()

    def events():
        os.kill(os.getpid(), signal.SIGINT)
        yield Done()

    assert follow(events(), cancel) is None
    assert not cancel.cancelled


def test_a_terminal_sees_one_line_that_is_rewritten_and_taken_away(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "20")
    events = [Progress("load", 0.5, message="Loading a family of a very long name"), Done()]
    follow(events, CancelToken())
    assert terminal.getvalue() == f"{CLEAR_LINE}50% loading the mod{CLEAR_LINE}"


def test_the_line_is_taken_away_before_a_fault_is_told(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(EngineError):
        follow([Progress("load", 0.5), Failed("It died.", "EngineError")], CancelToken())
    assert terminal.getvalue().endswith(CLEAR_LINE)


def test_a_log_file_sees_the_parts_of_a_long_text_only(capsys):
    parts = [AudioChunk(number, 2, "Hi.", sine(), RATE) for number in range(2)]
    follow([Progress("semantic", 0.1), *parts, Done()], CancelToken())
    assert capsys.readouterr().err == "Part 1 of 2 is spoken.\nPart 2 of 2 is spoken.\n"
    follow([AudioChunk(0, 1, "Hi.", sine(), RATE), Done()], CancelToken())
    assert capsys.readouterr().err == ""
