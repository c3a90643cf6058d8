"""The documentation says what the code does: tables, commands, links, file names."""

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from webui.settings import SETTINGS_HELP

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "models/README.md", "speakers/README.md")
    for path in ROOT.glob(pattern)
)
SPEAKING = ROOT / "docs" / "speaking.md"
SWITCHES = ("--condition-on-previous", "--verify", "--guard-drift", "--greedy")
README = (ROOT / "README.md").read_text("utf-8")
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def text_of(page):
    return page.read_text("utf-8")


def code_lines(page):
    """The lines of all fenced blocks of a page."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def settings_table():
    """The README's table, as the code has it."""
    lines = ["| flag | variable | default | meaning |", "|---|---|---|---|"]
    for each in SETTINGS_HELP:
        default = f"`{each.default}`" if " " not in each.default else each.default
        lines.append(f"| `{each.flag}` | `{each.env}` | {default} | {each.meaning} |")
    return "\n".join(lines) + "\n"


def front_matter():
    """The part of the README that a Space reads: plain `key: value` lines."""
    block = README.split("---\n")[1]
    return dict(re.findall(r'^(\w+): "?([^"\n]+)"?$', block, re.MULTILINE))


def test_the_readme_lists_every_setting_as_the_code_has_it():
    table = README.split("<!-- settings: begin -->\n")[1].split("<!-- settings: end -->")[0]
    assert table == settings_table()


def test_the_space_uses_our_gradio_and_a_python_that_we_support():
    matter = front_matter()
    assert f"gradio=={matter['sdk_version']}" in PROJECT["dependencies"]
    assert matter["python_version"] in ("3.11", "3.12", "3.13")
    assert (ROOT / matter["app_file"]).is_file()
    assert matter["license"] == "mit"
    assert len(matter["short_description"]) <= 60


@pages
def test_links_lead_to_files_that_are_there(page):
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [link.partition("#")[0] for link in links if "://" not in link]
    assert [link for link in local if link and not (page.parent / link).exists()] == []


@pages
def test_files_named_in_the_text_are_there(page):
    names = re.findall(r"`((?:webui|tests|docs|scripts|recipes|bench)/[\w./-]*\w)`", text_of(page))
    assert [name for name in names if not (ROOT / name).exists()] == []


@pages
def test_commands_in_the_text_are_understood(page):
    from webui.cli import build_parser

    for line in code_lines(page):
        line = line.partition("  #")[0].partition("   ")[0]
        for command in line.split("|"):
            words = shlex.split(command.partition("#")[0])
            if words[:3] == ["python", "-m", "webui"]:
                build_parser().parse_args(words[3:])
            elif words[:1] == ["./install.sh"]:
                before, _, flags = " ".join(words[1:]).partition("run ")
                assert set(before.split()) <= {"run", "test", "--cpu", "--with", "ray", "mcp"}, line
                build_parser().parse_args(["serve", *flags.split()])


def test_the_page_about_speaking_lists_every_control_and_its_flag():
    from webui.cli import build_parser
    from webui.synthesis.controls import SpeechControls

    rows = re.findall(r"^\|.*\| ?`?([^|`\s]*)`? ?\| `(\w+)` \|", text_of(SPEAKING), re.MULTILINE)
    assert {name for _, name in rows} == {each.name for each in fields(SpeechControls)}
    for flag in filter(None, (flag for flag, _ in rows)):
        value = [] if flag in SWITCHES else ["1"]
        build_parser().parse_args(["speak", "Hello.", "--out", "a.wav", flag, *value])


def test_the_readme_shows_every_picture_and_each_is_small():
    pictures = sorted((ROOT / "docs" / "pictures").iterdir())
    assert pictures
    for picture in pictures:
        assert f"](docs/pictures/{picture.name})" in README
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 150_000


def test_the_changelog_begins_with_what_is_new():
    headings = re.findall(r"^## (.+)$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0].startswith(PROJECT["version"])


def test_the_code_and_the_project_agree_on_the_version():
    import webui

    assert webui.__version__ == PROJECT["version"]
