"""docs/security.md names tests for every rule; what no other test looks at is looked at here."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)


def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_page_about_security_names_is_there(file):
    named = {name for each, name in NAMED if each == file}
    assert named <= functions_of(file)


def test_every_rule_has_a_test():
    table = PAGE.split("## Rules and their tests")[1].split("##")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row] == []
    assert len(NAMED) == len(set(NAMED))


def test_html_on_the_page_is_drawn_by_us_alone():
    drawn = set()
    for file in (ROOT / "webui" / "ui").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "gr.HTML":
                drawn.add((ast.unparse(node.args[0]), node_id(node)))
    # A constant of ours, the names in our own files of words, or nothing: the two pictures are
    # drawn later, of numbers alone.
    assert drawn == {
        ("ANNOUNCER", "announcer"), ("language_choice()", "language-choice"),
        ("''", "train-picture"), ("''", "clip-picture"),
    }  # fmt: skip


def node_id(call: ast.Call) -> str:
    return next(each.value.value for each in call.keywords if each.arg == "elem_id")


def test_no_table_shows_html_or_markdown():
    for file in (ROOT / "webui" / "ui").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "gr.Dataframe":
                kinds = [
                    ast.unparse(each.value) for each in node.keywords if each.arg == "datatype"
                ]
                assert not [kind for kind in kinds if "html" in kind or "markdown" in kind], file
