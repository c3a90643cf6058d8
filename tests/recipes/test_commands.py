"""The page about training a family follows the recipe: each of its commands is understood."""

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "training-a-family.md", ROOT / "recipes" / "mini" / "README.md")
COMMANDS = sorted(
    {
        command
        for page in PAGES
        for command in re.findall(r"python -m (?:recipes|bench)\.[^`\n]+", page.read_text("utf-8"))
        if " --" in command
    }
)


class Understood(Exception):
    """The command was parsed."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_is_understood(command, monkeypatch):
    _, _, name, *words = shlex.split(command)
    parse = argparse.ArgumentParser.parse_args

    def only_parse(parser, *_):
        parse(parser, words)
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    with pytest.raises(Understood):
        importlib.import_module(name).main()


def test_every_step_of_the_recipe_is_on_the_page():
    page = PAGES[0].read_text("utf-8")
    steps = {
        path.stem
        for path in (ROOT / "recipes" / "mini").glob("*.py")
        if "def main()" in path.read_text("utf-8")
    }
    assert {step for step in steps if f"recipes.mini.{step} " not in page} == set()
