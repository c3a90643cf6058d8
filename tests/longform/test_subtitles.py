"""SubRip and WebVTT, in and out."""

from webui.longform.books import read_book
from webui.longform.subtitles import LINE_CHARACTERS, LINES, Cue, write_subtitles

SRT = """1
00:00:01,500 --> 00:00:03,000
<i>Hello</i>,
{\\an8}who is there?

2
00:01:00,000 --> 01:01:02,250 X1:40
- Me &amp; you.
"""
VTT = """WEBVTT

NOTE nobody says this

one
00:05.000 --> 00:07.000 align:start
<v Anna Lee>Second.</v>

00:01.000 --> 00:02.000
First.
"""


def passages(name: str, text: str) -> list[tuple[str, str, float | None]]:
    book = read_book(name, text.encode())
    return [(p.text, p.speaker, p.start_seconds) for c in book.chapters for p in c.passages]


def test_cues_become_passages_that_know_when_they_begin():
    assert passages("film.srt", SRT) == [
        ("Hello, who is there?", "", 1.5),
        ("Me & you.", "", 60.0),
    ]


def test_webvtt_says_who_speaks_and_cues_are_put_in_order():
    assert passages("film.vtt", VTT) == [("First.", "", 1.0), ("Second.", "Anna Lee", 5.0)]


def test_what_is_written_is_read_back():
    cues = [Cue(0.0, 1.25, "Red & blue."), Cue(3_661.5, 3_663.0, "Green.", "Anna")]
    assert write_subtitles(cues, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,250\nRed & blue.\n\n"
        "2\n01:01:01,500 --> 01:01:03,000\nGreen.\n"
    )
    assert passages("a.vtt", write_subtitles(cues, "vtt")) == [
        ("Red & blue.", "", 0.0),
        ("Green.", "Anna", 3_661.5),
    ]


def test_a_long_cue_is_shared_out_over_screens_that_follow_each_other():
    text = " ".join(f"word{number}" for number in range(60))
    written = write_subtitles([Cue(10.0, 40.0, text)], "srt")
    blocks = [block.split("\n") for block in written.strip().split("\n\n")]
    assert all(len(block) - 2 <= LINES for block in blocks)
    assert all(len(line) <= LINE_CHARACTERS for block in blocks for line in block[2:])
    assert " ".join(line for block in blocks for line in block[2:]) == text
    times = [block[1].split(" --> ") for block in blocks]
    assert times[0][0] == "00:00:10,000"
    assert times[-1][1] == "00:00:40,000"
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]


def test_a_name_cannot_break_out_of_its_tag():
    (voice,) = [
        line
        for line in write_subtitles([Cue(0, 1, "a<b", "x>\n<i")], "vtt").split("\n")
        if "<v" in line
    ]
    assert voice == "<v x i>a&lt;b"
