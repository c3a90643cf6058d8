"""Settings come from flags and variables, strictly."""

from pathlib import Path

import pytest

from webui import settings as settings_module
from webui.errors import SettingsError
from webui.settings import PROJECT_FOLDER, SETTINGS_HELP, Settings, load_settings


def test_an_empty_environment_gives_the_defaults():
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.models_dir == PROJECT_FOLDER / "models"
    assert settings.family is None
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert not settings.share
    assert not settings.public


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("models_dir", "/big/models", Path("/big/models")),
        ("family", "bark-small", "bark-small"),
        ("engine", "inline", "inline"),
        ("ray", "auto", "auto"),
        ("ray", "192.168.1.5:6379", "192.168.1.5:6379"),
        ("device", "cuda:1", "cuda:1"),
        ("precision", "int8", "int8"),
        ("threads", "2", 2),
        ("memory_budget_gb", "3.5", 3.5),
        ("offline", "yes", True),
        ("hf_endpoint", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("port", "0", 0),
        ("auth", "me:a:b", ("me", "a:b")),
        ("api_key", "a-Key.of_16+sign", "a-Key.of_16+sign"),
    ],
)
def test_a_variable_and_a_flag_set_the_same_thing(name, text, value):
    env = {each.name: each.env for each in SETTINGS_HELP}[name]
    assert getattr(Settings.from_environment({env: text}), name) == value
    assert getattr(Settings.from_environment({}, **{name: text}), name) == value
    assert getattr(Settings.from_environment({}, **{name: value}), name) == value


def test_a_flag_goes_before_a_variable_and_an_absent_flag_does_not():
    env = {"WEBUI_PORT": "8000"}
    assert Settings.from_environment(env, port=9000).port == 9000
    assert Settings.from_environment(env, port=None).port == 8000


@pytest.mark.parametrize("word", ["False", "false", "0", "no", "OFF", ""])
def test_every_word_for_no_means_no(word):
    assert Settings.from_environment({"WEBUI_OFFLINE": word}).offline is False


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("WEBUI_OFFLINE", "maybe"),
        ("WEBUI_PORT", "70000"),
        ("WEBUI_PORT", "1e3"),
        ("WEBUI_PORT", ""),
        ("WEBUI_THREADS", "-1"),
        ("WEBUI_ENGINE", "rocket"),
        ("WEBUI_RAY", "192.168.1.5"),
        ("WEBUI_RAY", "ray://192.168.1.5:10001"),
        ("WEBUI_DEVICE", "cuda:x"),
        ("WEBUI_PRECISION", "fp64"),
        ("WEBUI_FAMILY", "../mini"),
        ("WEBUI_MEMORY_BUDGET_GB", "nan"),
        ("WEBUI_MEMORY_BUDGET_GB", "-2"),
        ("WEBUI_MODELS_DIR", ""),
        ("HF_ENDPOINT", "huggingface.co"),
        ("WEBUI_HOST", "a b"),
        ("WEBUI_AUTH", "nopassword"),
        ("WEBUI_API_KEY", "short"),
        ("WEBUI_API_KEY", "with a space in it"),
        ("SPACES_ZERO_GPU", "perhaps"),
    ],
)
def test_an_unusable_value_is_refused_by_its_variables_name(variable, text):
    with pytest.raises(SettingsError, match=f"^{variable} is .*must"):
        Settings.from_environment({variable: text})


def test_an_empty_address_means_that_there_is_no_cluster():
    assert Settings.from_environment({"WEBUI_RAY": " "}).ray is None


def test_an_unusable_flag_is_refused_by_its_name():
    with pytest.raises(SettingsError, match="^--port is '99999'"):
        Settings.from_environment({}, port=99999)
    with pytest.raises(SettingsError, match="no setting named 'prot'"):
        Settings.from_environment({}, prot=1)


def test_a_password_is_never_shown():
    assert "s3cret" not in repr(Settings.from_environment({"WEBUI_AUTH": "me:s3cret"}))
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment({"WEBUI_AUTH": ":s3cret"})
    assert "s3cret" not in str(refusal.value)


def test_a_key_is_never_shown():
    assert "s3cret" not in repr(Settings.from_environment({"WEBUI_API_KEY": "s3cret-s3cret"}))
    for source in ({"WEBUI_API_KEY": "s3cret"}, {}):
        with pytest.raises(SettingsError) as refusal:
            Settings.from_environment(source, **({} if source else {"api_key": "s3cret"}))
        assert "s3cret" not in str(refusal.value)


def test_a_token_of_the_hub_is_never_shown():
    settings = Settings.from_environment({"HF_TOKEN": "hf_s3cret"})
    assert settings.hf_token == "hf_s3cret"  # noqa: S105  made up
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("repo", ["anna", "anna/", "/voices", "a/b/c", "anna/../x", "anna/ x"])
def test_a_repository_is_an_owner_and_a_name(repo):
    assert Settings.from_environment({"WEBUI_VOICES_REPO": "anna/voices-1.0"}).voices_repo
    with pytest.raises(SettingsError, match="owner/name"):
        Settings.from_environment({"WEBUI_VOICES_REPO": repo})


def test_texts_on_a_space_are_as_short_as_its_hardware_needs(monkeypatch, tmp_path):
    space = {"SPACE_ID": "someone/bark"}
    monkeypatch.setattr(settings_module, "NVIDIA_DRIVER", tmp_path / "none")
    slow = Settings.from_environment(space)
    assert (slow.has_card, slow.max_text_characters) == (False, 300)
    chosen = Settings.from_environment(space | {"WEBUI_MAX_TEXT_CHARACTERS": "50"})
    assert chosen.max_text_characters == 50
    lent = Settings.from_environment(space | {"SPACES_ZERO_GPU": "true"})
    assert (lent.has_card, lent.max_text_characters) == (True, 1_000)
    monkeypatch.setattr(settings_module, "NVIDIA_DRIVER", tmp_path)
    assert Settings.from_environment(space).has_card
    assert not Settings.from_environment({}).has_card


def test_a_space_with_a_lasting_disk_keeps_everything_there(monkeypatch, tmp_path):
    monkeypatch.setattr(settings_module, "SPACE_DISK", tmp_path)
    space = Settings.from_environment({"SPACE_ID": "someone/bark"})
    places = {space.models_dir, space.speakers_dir, space.outputs_dir, space.data_dir}
    assert {each.parent for each in places} == {tmp_path}
    assert len(places) == 4
    assert Settings.from_environment({}).models_dir != space.models_dir
    monkeypatch.setattr(settings_module, "SPACE_DISK", tmp_path / "none")
    space = Settings.from_environment({"SPACE_ID": "someone/bark"})
    assert space.models_dir == Settings().models_dir


def test_visitors_sign_in_where_the_space_has_it_switched_on():
    space = {"SPACE_ID": "someone/bark"}
    assert not Settings.from_environment(space).signs_in
    assert Settings.from_environment(space | {"OAUTH_CLIENT_ID": "x"}).signs_in
    assert not Settings.from_environment({"OAUTH_CLIENT_ID": "x"}).signs_in


def test_a_space_is_public_and_zero_gpu_works_inside_the_process():
    space = Settings.from_environment({"SPACE_ID": "someone/bark", "SPACES_ZERO_GPU": "true"})
    assert space.public
    assert space.on_space
    assert space.zero_gpu
    assert space.engine == "inline"
    assert space.host == "0.0.0.0"  # noqa: S104
    assert not Settings.from_environment({"SPACES_ZERO_GPU": "0"}).zero_gpu


def test_every_setting_has_a_variable_a_flag_and_a_meaning():
    names = [each.name for each in SETTINGS_HELP]
    found_here = {"on_space", "zero_gpu", "has_card", "signs_in", "hf_token"}
    assert set(names) == set(Settings.__dataclass_fields__) - found_here
    assert len({each.env for each in SETTINGS_HELP}) == len(names)
    assert all(
        each.flag.startswith("--") and each.meaning and each.default for each in SETTINGS_HELP
    )


def test_load_settings_reads_this_process(monkeypatch):
    monkeypatch.setenv("WEBUI_PORT", "7999")
    assert load_settings().port == 7999
    assert load_settings(port=8001).port == 8001
