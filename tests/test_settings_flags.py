"""Each setting is a flag, and the flag wins."""

import argparse

import pytest

from webui.errors import SettingsError
from webui.settings import SETTINGS_HELP, Settings
from webui.settings_flags import add_settings_flags, settings_from_flags


def parse(*words, without=(), **defaults):
    parser = argparse.ArgumentParser()
    add_settings_flags(parser, without)
    return settings_from_flags(parser.parse_args(words), **defaults)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    for each in SETTINGS_HELP:
        monkeypatch.delenv(each.env, raising=False)


def test_no_flags_give_the_defaults():
    assert parse() == Settings()


def test_every_setting_has_its_flag(capsys):
    with pytest.raises(SystemExit):
        parse("--help")
    shown = capsys.readouterr().out
    assert [each.flag for each in SETTINGS_HELP if each.flag not in shown] == []


def test_a_flag_goes_before_a_default_and_a_default_before_the_environment(monkeypatch):
    monkeypatch.setenv("WEBUI_ENGINE", "local")
    assert parse(engine="inline").engine == "inline"
    assert parse("--engine", "local", engine="inline").engine == "local"
    assert parse().engine == "local"


def test_a_switch_is_turned_on_and_off_without_a_value(monkeypatch):
    monkeypatch.setenv("WEBUI_OFFLINE", "true")
    assert parse("--offline").offline
    assert not parse("--no-offline").offline


def test_a_flag_left_out_is_not_understood():
    with pytest.raises(SystemExit):
        parse("--port", "1", without={"port"})


def test_a_wrong_value_is_refused_with_the_flags_name():
    with pytest.raises(SettingsError, match="--port"):
        parse("--port", "many")
