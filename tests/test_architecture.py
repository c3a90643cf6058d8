"""The rules of docs/architecture.md, read off the source; nothing is imported."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = {
    **dict.fromkeys(
        ("webui", "webui.arrays", "webui.errors", "webui.events", "webui.clone_results"), 0
    ),
    "webui.training_results": 0,
    "webui.quantizer_file": 1,
    **dict.fromkeys(("settings", "audio", "checkpoint", "speaker_file", "family"), 1),
    **dict.fromkeys(("speaker_limits", "speaker_metadata", "voice_names", "file_saving"), 1),
    **dict.fromkeys(("settings_flags", "speaker_archive", "speaker_editing", "file_lock"), 1),
    **dict.fromkeys(("array_archive", "origins"), 1),
    "synthesis": 2,
    "cloning": 3,
    "quality": 3,
    "longform": 3,
    "training": 4,
    "backend": 5,
    "ui": 6,
    "http_api": 6,
    **dict.fromkeys(
        ("cli", "cli_clone", "cli_doctor", "cli_lists", "cli_serve", "cli_speak", "cli_voices"), 6
    ),
    **dict.fromkeys(("cli_audiobook", "cli_projects", "cli_project_flags"), 6),
    **dict.fromkeys(("cli_terminal", "cli_voice_flags", "__main__"), 6),
    **dict.fromkeys(("cli_actions", "cli_speak_flags", "cli_train", "cli_train_flags"), 6),
    "cli_takes": 6,
}
DOORS = ("ui", "http_api", "cli")  # they never import each other
# Arrays in, arrays or events out.
PURE = ("synthesis", "cloning", "quality", "longform", "training")

# One library, one place: the modules (and all below them) that may import it.
LIBRARY_PLACES = {
    "gradio": ("webui.ui", "app"),
    "fastapi": ("webui.http_api", "app"),
    "ray": ("webui.backend.ray_cluster",),
    "TTS": ("webui.cloning.conversion",),
    "huggingface_hub": ("webui.backend.weights", "webui.backend.voices_repo"),
    "soundfile": ("webui.audio",),
    "soxr": ("webui.audio",),
    "sentencex": ("webui.synthesis.chunking",),
    "safetensors": ("webui.checkpoint",),
    "pocketsphinx": ("webui.quality.english_words",),
    "resemblyzer": (),  # only its weights are read
    "perth": (),  # the same
    "spaces": ("app", "webui.backend"),
    # ffmpeg; Coqui's converters, whose libraries need an environment of their own
    "subprocess": ("webui.audio.ffmpeg", "webui.cloning.conversion.coqui"),
    "pickle": (),
    "encodec": (),
    "fairseq": (),
    "torchaudio": (),
}
# transformers is large: what matters is which of its models is used where.
MODEL_PLACES = {
    "Encodec": ("webui.synthesis.codec",),
    "Hubert": ("webui.cloning.hubert",),
    "WavLM": ("webui.cloning.conversion.wavlm",),
    "Whisper": ("webui.quality.whisper_words",),
    "Bark": (),
}
# Calls that open a door for strangers' bytes, or read what only one module may read.
CALL_PLACES = {
    "torch.load": ("webui.checkpoint",),
    "torch.save": ("webui.quantizer_file",),
    "numpy.load": ("webui.speaker_file",),
    "numpy.savez": ("webui.speaker_file",),
    "os.environ": ("webui.settings",),
    "os.getenv": ("webui.settings",),
    "os.putenv": (),
    "os.system": (),
    "os.popen": (),
    "eval": (),
    "exec": (),
}
# Programs for another environment: they know nothing of webui, and need no rule of layers for it.
STANDALONE = ("webui.cloning.conversion.coqui_child",)
VAGUE_NAMES = {"utils", "helpers", "common", "misc", "core"}
DEPENDENCY_NAMES = {
    "bark", "encodec", "fastapi", "gradio", "numpy", "queue", "random", "ray", "safetensors",
    "soundfile", "soxr", "spaces", "tokenizers", "torch", "transformers", "types", "typing",
}  # fmt: skip
MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 400
MAX_HANDLER_PARAMETERS = 6


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, its tree, its number of lines."""

    name: str
    tree: ast.Module
    lines: int

    @property
    def layer(self) -> int | None:
        part = self.name.partition(".")[2].partition(".")[0]
        return LAYERS.get(self.name, LAYERS.get(part))


def module(name: str, source: str) -> Module:
    return Module(name, ast.parse(source), source.count("\n"))


@functools.cache
def modules(*tops: str) -> tuple[Module, ...]:
    """The source files below these folders or files of the repository."""
    found = []
    for top in tops:
        path = ROOT / top
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            dotted = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found.append(module(dotted.removesuffix(".__init__"), file.read_text("utf-8")))
    return tuple(found)


def top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes that run when the module is imported, but not what only type checkers see."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        waiting.extend(ast.iter_child_nodes(node))


def imports(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, str]]:
    """(module, name) of each import; the name is empty for `import module`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def imported_modules(nodes: Iterator[ast.AST]) -> set[str]:
    """Every dotted name that an import may bring in, `from a import b` counted as a and a.b."""
    found = set()
    for name, member in imports(nodes):
        found |= {name, f"{name}.{member}"} if member else {name}
    return found


def lies_in(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def door(name: str) -> str | None:
    """Which of ui, http_api and cli a module belongs to (cli_speak belongs to cli)."""
    part = name.removeprefix("webui.").partition(".")[0]
    return next((each for each in DOORS if part == each or part.startswith(f"{each}_")), None)


def layer_faults(each: Module) -> list[str]:
    if each.layer is None and door(each.name) is None:
        return [f"{each.name} stands in no layer"]
    own = 6 if each.layer is None else each.layer
    faults = []
    for target in imported_modules(ast.walk(each.tree)):
        if not target.startswith("webui."):
            continue
        layer = Module(target, each.tree, 0).layer
        if layer is not None and layer > own:
            faults.append(f"{each.name} (layer {own}) imports {target} (layer {layer})")
        if {door(each.name), door(target)} <= set(DOORS) and door(each.name) != door(target):
            faults.append(f"{each.name} and {target} are two doors")
    return faults


def place_faults(each: Module) -> list[str]:
    faults = []
    for name, member in imports(ast.walk(each.tree)):
        library = name.partition(".")[0]
        if library in LIBRARY_PLACES and not lies_in(each.name, LIBRARY_PLACES[library]):
            faults.append(f"{each.name} imports {library}")
        for prefix, places in MODEL_PLACES.items():
            misplaced = member.startswith(prefix) and not lies_in(each.name, places)
            if library == "transformers" and misplaced:
                faults.append(f"{each.name} imports transformers' {member}")
    return faults


def call_name(node: ast.AST) -> str:
    """The dotted name that an attribute or a name spells, numpy written out."""
    text = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
    return "numpy" + text[2:] if text.startswith("np.") else text


def call_faults(each: Module) -> list[str]:
    faults = []
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Attribute):
            name = call_name(node)
        elif isinstance(node, ast.Call):
            name = call_name(node.func) if isinstance(node.func, ast.Name) else ""
            if call_name(node.func) == "torch.load" and not has_true(node, "weights_only"):
                faults.append(f"{each.name} loads a checkpoint that may run code")
            if has_true(node, "shell") or has_true(node, "allow_pickle"):
                faults.append(f"{each.name} opens a shell or a pickle")
        else:
            continue
        if name == "os.environ" and each.name in STANDALONE:
            continue
        if name in CALL_PLACES and not lies_in(each.name, CALL_PLACES[name]):
            faults.append(f"{each.name} uses {name}")
    return faults


def has_true(call: ast.Call, keyword: str) -> bool:
    return any(
        each.arg == keyword and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in call.keywords
    )


def purity_faults(each: Module) -> list[str]:
    """Arrays in, arrays or events out: no folders, no queue, no settings, no page."""
    if each.name.partition(".")[2].partition(".")[0] not in PURE or each.name in STANDALONE:
        return []
    forbidden = {"os", "shutil", "tempfile", "queue", "multiprocessing", "webui.settings"}
    return [
        f"{each.name} imports {target}"
        for target in imported_modules(ast.walk(each.tree))
        if target in forbidden
    ]


def standalone_faults(each: Module) -> list[str]:
    """What runs in another environment finds nothing of ours there."""
    if each.name not in STANDALONE:
        return []
    found = imported_modules(ast.walk(each.tree))
    return [f"{each.name} imports {name}" for name in found if lies_in(name, ("webui",))]


def path_faults(each: Module) -> list[str]:
    """A worker on another machine does not see our folders."""
    if each.name != "webui.backend.requests":
        return []
    words = {node.id for node in ast.walk(each.tree) if isinstance(node, ast.Name)}
    words |= {member for _, member in imports(ast.walk(each.tree))}
    return [f"{each.name} speaks of {word}" for word in words if "path" in word.lower()]


def import_time_faults(each: Module) -> list[str]:
    """Statements that do something when the module is imported, beyond defining names."""
    faults = []
    for node in each.tree.body:
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            faults.append(f"{each.name}:{node.lineno} acts at import")
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Attribute) for target in targets):
                faults.append(f"{each.name}:{node.lineno} patches something at import")
        if isinstance(node, ast.For | ast.While | ast.With | ast.Delete):
            faults.append(f"{each.name}:{node.lineno} works at import")
    return faults


def tab_faults(each: Module) -> list[str]:
    """The page sees the service and what it hands over; a handler takes few, named values."""
    if not lies_in(each.name, ("webui.ui",)):
        return []
    faults = [
        f"{each.name} imports {target}"
        for target in imported_modules(ast.walk(each.tree))
        if lies_in(target, ("webui.synthesis.models", "webui.synthesis.speech"))
        or lies_in(target, ("webui.backend.worker", "webui.backend.model_manager"))
        or lies_in(target, ("webui.backend.local_engine", "webui.backend.inline_engine"))
        or target.startswith("webui.backend.ray_")
    ]
    for node in ast.walk(each.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            values = len(node.args.posonlyargs) + len(node.args.args)
            if values > MAX_HANDLER_PARAMETERS:
                faults.append(f"{each.name}.{node.name} takes {values} positional values")
    return faults


def size_faults(each: Module) -> list[str]:
    faults = []
    if each.lines > MAX_MODULE_LINES:
        faults.append(f"{each.name} has {each.lines} lines")
    for node in ast.walk(each.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                faults.append(f"{each.name}.{node.name} has {lines} lines")
    return faults


def name_faults(each: Module) -> list[str]:
    last = each.name.rpartition(".")[2]
    if last in VAGUE_NAMES | DEPENDENCY_NAMES:
        return [f"{each.name} is named like a drawer or like a dependency"]
    return []


def import_closure(start: Module, known: dict[str, Module]) -> set[str]:
    """Everything that importing a module brings in, as far as our own source shows it."""
    seen: set[str] = set()
    waiting = {start.name}
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        parents = {name.rpartition(".")[0]} - {""} if name.startswith("webui.") else set()
        inside = imported_modules(top_level(known[name].tree)) if name in known else set()
        waiting |= parents | inside
    return seen


RULES = [
    layer_faults,
    place_faults,
    call_faults,
    purity_faults,
    standalone_faults,
    path_faults,
    import_time_faults,
    tab_faults,
    size_faults,
    name_faults,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule):
    assert [fault for each in modules("webui") for fault in rule(each)] == []


def test_the_starter_the_recipe_and_the_measurements_stay_readable():
    others = modules("app.py", "recipes", "bench")
    assert [fault for each in others for fault in size_faults(each) + name_faults(each)] == []


def test_importing_anything_outside_the_page_brings_in_no_gradio_and_no_ray():
    known = {each.name: each for each in modules("webui")}
    outside = [each for each in known.values() if not lies_in(each.name, ("webui.ui",))]
    heavy = {each.name: import_closure(each, known) & {"gradio", "ray"} for each in outside}
    assert {name: found for name, found in heavy.items() if found} == {}


def test_the_command_line_and_the_settings_start_without_torch():
    known = {each.name: each for each in modules("webui")}
    quick = [each for each in known.values() if door(each.name) == "cli"]
    quick += [known[name] for name in ("webui.settings", "webui.__main__") if name in known]
    heavy = {each.name: import_closure(each, known) & {"torch", "transformers"} for each in quick}
    assert {name: found for name, found in heavy.items() if found} == {}


def test_data_folders_hold_no_code_and_code_folders_have_no_data_name():
    code = [
        file.relative_to(ROOT)
        for top in ("webui", "models", "speakers", "recipes", "bench")
        for file in (ROOT / top).rglob("*.py")
    ]
    assert [file for file in code if {"models", "speakers"} & set(file.parts[:-1])] == []


BAD_SAMPLES = [
    (layer_faults, "webui.audio", "import webui.backend.service\n"),
    (layer_faults, "webui.events", "from webui import settings\n"),
    (layer_faults, "webui.cli", "def f():\n    from webui.ui import page\n"),
    (layer_faults, "webui.cli_speak", "import webui.http_api\n"),
    (layer_faults, "webui.stray", ""),
    (place_faults, "webui.backend.service", "def f():\n    import gradio as gr\n"),
    (place_faults, "webui.synthesis.text", "from transformers import EncodecModel\n"),
    (place_faults, "webui.backend.worker", "import subprocess\n"),
    (place_faults, "webui.backend.ray_engine", "def f():\n    import ray\n"),
    (place_faults, "webui.quality.similarity", "def f():\n    import resemblyzer\n"),
    (place_faults, "webui.quality.report", "from transformers import WhisperProcessor\n"),
    (call_faults, "webui.backend.weights", "import os\nhome = os.environ['HOME']\n"),
    (call_faults, "webui.backend.worker", "import numpy as np\nx = np.load('a.npz')\n"),
    (call_faults, "webui.checkpoint", "import torch\nx = torch.load('a.pt')\n"),
    (call_faults, "webui.checkpoint", "import torch\nx = torch.load('a', weights_only=False)\n"),
    (call_faults, "webui.speaker_file", "x = read('a.npz', allow_pickle=True)\n"),
    (call_faults, "webui.audio", "x = eval('1')\n"),
    (purity_faults, "webui.synthesis.text", "import webui.settings\n"),
    (purity_faults, "webui.quality.report", "from os import listdir\n"),
    (standalone_faults, STANDALONE[0], "def f():\n    from webui.audio import resample\n"),
    (path_faults, "webui.backend.requests", "from pathlib import Path\n"),
    (path_faults, "webui.backend.requests", "class R:\n    voice: 'str'\n    speaker_path = x\n"),
    (import_time_faults, "webui.audio", "import logging\nlogging.basicConfig()\n"),
    (import_time_faults, "webui.audio", "import torch\ntorch.load = None\n"),
    (tab_faults, "webui.ui.speak_tab", "from webui.backend.worker import Worker\n"),
    (tab_faults, "webui.ui.speak_tab", "from webui.backend.ray_engine import RayEngine\n"),
    (tab_faults, "webui.ui.speak_tab", "def f(a, b, c, d, e, f, g): ...\n"),
    (size_faults, "webui.audio", "def f():\n" + "    x = 1\n" * 60),
    (size_faults, "webui.audio", "x = 1\n" * 401),
    (name_faults, "webui.backend.utils", ""),
    (name_faults, "webui.backend.queue", ""),
]


@pytest.mark.parametrize(
    ("rule", "name", "source"), BAD_SAMPLES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_rule_sees_source_that_breaks_it(rule, name, source):
    assert rule(module(name, source))


def test_an_import_below_a_function_does_not_count_as_brought_in():
    late = module("webui.late", "def f():\n    import gradio\n")
    typed = module("webui.typed", "if TYPE_CHECKING:\n    import gradio\n")
    early = module("webui.early", "class A:\n    import gradio\n")
    known = {each.name: each for each in (late, typed, early)}
    assert [name for name in known if "gradio" in import_closure(known[name], known)] == [
        "webui.early"
    ]
