"""Settings come from flags and variables, strictly."""

from pathlib import Path

import pytest

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


def test_a_public_link_needs_a_password_or_public_mode():
    with pytest.raises(SettingsError, match="strangers"):
        Settings.from_environment({}, share=True)
    assert Settings.from_environment({}, share=True, auth="me:secret").share
    assert Settings.from_environment({}, share=True, public=True).share


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
    assert set(names) == set(Settings.__dataclass_fields__) - {"on_space", "zero_gpu"}
    assert len({each.env for each in SETTINGS_HELP}) == len(names)
    assert all(
        each.flag.startswith("--") and each.meaning and each.default for each in SETTINGS_HELP
    )


def test_load_settings_reads_this_process(monkeypatch):
    monkeypatch.setenv("WEBUI_PORT", "7999")
    assert load_settings().port == 7999
    assert load_settings(port=8001).port == 8001
