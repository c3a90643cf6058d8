"""The first steps, without a browser."""

import pytest

from tests.ui.bare_page import BarePage
from webui.errors import SettingsError
from webui.ui.first_steps import FirstSteps


@pytest.fixture
def steps(studio):
    with BarePage():
        return FirstSteps(studio)


def test_the_example_is_one_that_the_chosen_family_can_say(steps):
    assert steps.first_example("mini") == "Good morning to you all."


@pytest.mark.parametrize("family", ["gone", None, ["mini"]])
def test_without_a_family_the_visitor_is_told_what_to_do(steps, family):
    with pytest.raises(SettingsError, match="Download one first"):
        steps.first_example(family)
