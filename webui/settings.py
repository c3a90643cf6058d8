"""What the user may set, by flag or environment variable, as one frozen record.

This is the only place that reads the environment.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from webui.errors import SettingsError

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
ENGINES = ("local", "inline")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,2})?")
FAMILY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SPACE_DISK = Path("/data")  # where a Space has its lasting disk, if it has one
NVIDIA_DRIVER = Path("/dev/nvidiactl")
LONGEST_ON_CPU_SPACE, LONGEST_ON_CARD_SPACE = 300, 1_000  # characters at once
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off", ""})


def parse_boolean(text: str) -> bool:
    """Read a yes or a no.

    Raises:
        ValueError: the word is neither.
    """
    word = text.strip().lower()
    if word not in YES | NO:
        raise ValueError("it must be true or false")
    return word in YES


def _path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError("it must name a folder")
    return Path(text).expanduser()


def _optional_family(text: str) -> str | None:
    if not text.strip():
        return None
    if not FAMILY.fullmatch(text):
        raise ValueError("it must be a family's name, such as mini or bark-small")
    return text


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return text

    return parse


def _device(text: str) -> str:
    if not DEVICE.fullmatch(text):
        raise ValueError("it must be auto, cpu, mps, cuda or cuda:N")
    return text


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"\s*[+-]?\d{1,12}\s*", text) else None
        if number is None or not low <= number <= high:
            raise ValueError(f"it must be a whole number from {low:,} to {high:,}")
        return number

    return parse


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise ValueError("it must be a number above 0")
    return number


def _optional_positive(text: str) -> float | None:
    return _positive(text) if text.strip() else None


def _endpoint(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", text):
        raise ValueError("it must be an address such as https://huggingface.co")
    return text.rstrip("/")


def _cluster(text: str) -> str | None:
    if not text.strip():
        return None
    if text != "auto" and not re.fullmatch(r"[A-Za-z0-9._-]{1,255}:\d{1,5}", text):
        raise ValueError("it must be auto, or a cluster's address such as 192.168.1.5:6379")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,255}", text):
        raise ValueError("it must be a host name or an address, such as 127.0.0.1")
    return text


def _repository(text: str) -> str | None:
    if not text.strip():
        return None
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", text):
        raise ValueError("it must look like owner/name")
    return text


def _auth(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    name, _, password = text.partition(":")
    if not name or not password:
        raise ValueError("it must look like name:password")
    return name, password


def _key(text: str) -> str | None:
    if not text:
        return None
    if not re.fullmatch(r"[!-~]{12,200}", text):
        raise ValueError("it must have 12 to 200 plain letters, digits or signs and no space")
    return text


def _setting(default: object, parse: Callable[[str], object], meaning: str, **extra: str) -> Any:  # noqa: ANN401 - a dataclass field, whatever its type
    return field(default=default, metadata={"parse": parse, "meaning": meaning, **extra})


@dataclass(frozen=True)
class Settings:
    """Everything the user may set. Read `SETTINGS_HELP` for what each means."""

    models_dir: Path = _setting(
        PROJECT_FOLDER / "models", _path, "where the model families are, one folder each"
    )
    speakers_dir: Path = _setting(PROJECT_FOLDER / "speakers", _path, "where your voices are kept")
    outputs_dir: Path = _setting(PROJECT_FOLDER / "outputs", _path, "where results are kept")
    data_dir: Path = _setting(
        PROJECT_FOLDER / "outputs" / ".state",
        _path,
        "where the app keeps its own small files: the secret of sessions, unfinished work",
        shown="outputs/.state",
    )
    family: str | None = _setting(
        None, _optional_family, "the model family that speaks", shown="the best installed one"
    )
    engine: str = _setting(
        "local", _one_of(ENGINES), "local: a process of its own per device; inline: this process"
    )
    ray: str | None = _setting(
        None,
        _cluster,
        "compute on a Ray cluster instead: auto for the one that runs here, or its address",
        shown="no cluster",
    )
    device: str = _setting("auto", _device, "auto, cpu, cuda, cuda:N or mps")
    precision: str = _setting("auto", _one_of(PRECISIONS), "auto, fp32, bf16, fp16 or int8")
    threads: int = _setting(
        0, _integer(0, 1024), "processor threads of the engine", shown="0 (chosen by measuring)"
    )
    memory_budget_gb: float | None = _setting(
        None, _optional_positive, "most memory that loaded models may take, in GB", shown="no limit"
    )
    idle_minutes: float = _setting(
        15.0, _positive, "a model that nobody used for so long leaves the memory"
    )
    offline: bool = _setting(False, parse_boolean, "never ask the network for anything")
    hf_endpoint: str = _setting(
        "https://huggingface.co", _endpoint, "where models are downloaded from", env="HF_ENDPOINT"
    )
    max_text_characters: int = _setting(
        5_000, _integer(1, 10_000_000), "longest text that the page accepts at once"
    )
    host: str = _setting("127.0.0.1", _host, "the address that the page listens on")
    port: int = _setting(7860, _integer(0, 65_535), "the port of the page; 0 takes any free one")
    share: bool = _setting(
        False, parse_boolean, "make a public link, with a password unless the page is public"
    )
    open_browser: bool = _setting(False, parse_boolean, "open the page in a browser at start")
    auth: tuple[str, str] | None = _setting(
        None, _auth, "who may open the page, as name:password", shown="everybody who reaches it"
    )
    public: bool = _setting(
        False, parse_boolean, "strangers visit: each sees only their own voices and results"
    )
    api_key: str | None = _setting(
        None,
        _key,
        "the key that programs must send to the HTTP API",
        shown="none: who may open the page without a password needs none",
    )
    max_job_characters: int = _setting(
        50_000, _integer(1, 10_000_000), "longest text of a job of the HTTP API"
    )
    mcp: bool = _setting(
        False, parse_boolean, "let assistants use the page's functions as tools (MCP)"
    )
    watermark: bool = _setting(
        False, parse_boolean, "mark what is spoken, so that `detect` knows it again"
    )
    voices_repo: str | None = _setting(
        None,
        _repository,
        "a private dataset on the hub, as owner/name, for voices of visitors who signed in",
        shown="visitors' voices last a day",
    )
    on_space: bool = field(default=False, metadata={"internal": True})
    has_card: bool = field(default=False, metadata={"internal": True})  # of a Space
    zero_gpu: bool = field(default=False, metadata={"internal": True})
    signs_in: bool = field(default=False, metadata={"internal": True})  # accounts of the hub
    hf_token: str | None = field(default=None, metadata={"internal": True})

    def __repr__(self) -> str:
        """Show the settings without the password and the key."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.hf_token:
            shown["hf_token"] = "..."  # noqa: S105  not a password
        if self.auth:
            shown["auth"] = (self.auth[0], "...")
        if self.api_key:
            shown["api_key"] = "..."
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def builtin_models_dir(self) -> Path:
        """Where the families that come with the app are, whatever `models_dir` says."""
        return PROJECT_FOLDER / "models"

    @classmethod
    def from_environment(cls, env: Mapping[str, str], **overrides: object) -> "Settings":
        """Build settings from variables; what a flag gave (`overrides`) goes first.

        An override of None means that its flag was not given. One that is text is read like a
        variable, so a command line may pass on its flags as they are.

        Raises:
            SettingsError: a value cannot be used, or two of them do not go together.
        """
        chosen: dict[str, Any] = _space_defaults(env)
        known = {each.name: each for each in fields(cls)}
        unknown = sorted(set(overrides) - set(known))
        if unknown:
            raise SettingsError(f"There is no setting named {unknown[0]!r}.")
        for help_line in SETTINGS_HELP:
            parse = known[help_line.name].metadata["parse"]
            if help_line.env in env:
                chosen[help_line.name] = _read(parse, help_line.env, env[help_line.env])
            given = overrides.get(help_line.name)
            if given is not None:
                text = given if isinstance(given, str) else _as_text(given)
                chosen[help_line.name] = _read(parse, help_line.flag, text)
        return cls(**chosen)


@dataclass(frozen=True)
class SettingHelp:
    """One line of the table of settings."""

    name: str
    env: str
    flag: str
    default: str
    meaning: str
    is_switch: bool  # the flag takes no value: --share, --no-share


def _read(parse: Callable[[str], object], source: str, text: str) -> object:
    try:
        return parse(text)
    except ValueError as fault:
        is_secret = any(word in source.upper() for word in ("AUTH", "KEY"))
        shown = "..." if is_secret else repr(text[:60])
        raise SettingsError(f"{source} is {shown}: {fault}.") from None


def _as_text(value: object) -> str:
    """Write a typed value the way a variable holds it, so that both pass the same checks."""
    return ":".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _space_defaults(env: Mapping[str, str]) -> dict[str, Any]:
    """What a Hugging Face Space changes.

    It is public, texts are as short as its hardware needs, what is downloaded goes to the disk that
    outlasts a restart where there is one, and ZeroGPU forks its own workers.
    """
    chosen: dict[str, Any] = {}
    zero_gpu = _read(parse_boolean, "SPACES_ZERO_GPU", env.get("SPACES_ZERO_GPU", ""))
    if env.get("SPACE_ID"):
        chosen |= {"on_space": True, "public": True, "host": "0.0.0.0"}  # noqa: S104 - a container
        chosen["has_card"] = bool(zero_gpu) or NVIDIA_DRIVER.exists()
        chosen["signs_in"] = bool(env.get("OAUTH_CLIENT_ID"))  # `hf_oauth: true` in the README
        chosen["max_text_characters"] = LONGEST_ON_CPU_SPACE
        if chosen["has_card"]:
            chosen["max_text_characters"] = LONGEST_ON_CARD_SPACE
        if os.access(SPACE_DISK, os.W_OK):
            folders = {"models": "models", "speakers": "speakers", "outputs": "outputs"}
            chosen |= {f"{each}_dir": SPACE_DISK / name for each, name in folders.items()}
            chosen["data_dir"] = SPACE_DISK / "state"
    if zero_gpu:
        chosen |= {"zero_gpu": True, "engine": "inline"}
    if env.get("HF_TOKEN"):
        chosen["hf_token"] = env["HF_TOKEN"]
    if _read(parse_boolean, "HF_HUB_OFFLINE", env.get("HF_HUB_OFFLINE", "")):
        chosen["offline"] = True
    return chosen


def _shown(value: object) -> str:
    if isinstance(value, Path):
        return value.relative_to(PROJECT_FOLDER).as_posix()
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _help() -> tuple[SettingHelp, ...]:
    lines = []
    for each in fields(Settings):
        if each.metadata.get("internal"):
            continue
        if each.default is MISSING:
            raise AssertionError(f"{each.name} has no default")
        lines.append(
            SettingHelp(
                name=each.name,
                env=each.metadata.get("env", f"WEBUI_{each.name.upper()}"),
                flag=f"--{each.name.replace('_', '-')}",
                default=each.metadata.get("shown") or _shown(each.default),
                meaning=each.metadata["meaning"],
                is_switch=isinstance(each.default, bool),
            )
        )
    return tuple(lines)


SETTINGS_HELP = _help()


def load_settings(**overrides: object) -> Settings:
    """Build the settings from this process's environment; flags go first.

    Raises:
        SettingsError: a value cannot be used, or two of them do not go together.
    """
    return Settings.from_environment(os.environ, **overrides)
