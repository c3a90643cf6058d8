"""What the page says in English, and whether a language has words for it."""

import ast
import html
import itertools
import re
from functools import cached_property
from pathlib import Path

from webui import errors

UI = Path(__file__).parents[2] / "webui" / "ui"
MARKS = re.compile(r"\*\*|\*|`|\[|\]")
GAP = re.compile(r"\{([#~]?)(\w+)\}")
NUMBER = r"[-+−]?\d[\d.,]*(?:[–-]\d[\d.,]*)?(?: ?%)?"
TOLD = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"Failed"}
VALUE = "7"  # in place of a value that is not known
SAID_PROPS = ("label", "info", "placeholder")
SAID_VALUES = ("markdown", "button", "downloadbutton", "uploadbutton", "duplicatebutton")


def blocks(markdown: str) -> list[str]:
    """The texts of a piece of markdown as a browser shows them, a block or cell each."""
    found = []
    for line in re.split(r"\n", markdown):
        text = re.sub(r"^\s*(?:#+|-|>)\s+", "", line).strip()
        cells = re.split(r"(?<!\\)\|", text) if text.startswith("|") else [text]
        found += [shown(cell) for cell in cells]
    return [text for text in found if re.search("[A-Za-z]", text)]


def shown(text: str) -> str:
    """A line of markdown without addresses and escapes."""
    without_links = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"[\1]", text)
    return html.unescape(re.sub(r"\\(\W)", r"\1", without_links)).strip()


def said_by(page) -> set[str]:
    """All that the parts of a built page say, as the browser gets them."""
    found: list[str] = []
    for component in page.get_config_file()["components"]:
        if component["type"] == "api":  # for programs
            continue
        props = component["props"]
        texts = [props.get(name) for name in SAID_PROPS]
        texts += [props.get("value")] if component["type"] in SAID_VALUES else []
        texts += props.get("headers") or []
        texts += [choice[0] for choice in props.get("choices") or []]
        for text in texts:
            found += blocks(text) if isinstance(text, str) else []
    return set(found)


def faults_of(module: Path) -> set[str]:
    """What a module raises, with a number in place of each value."""
    calls = [
        node.exc
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args
    ]
    texts = (text_of(call.args[0]) for call in calls)
    return {text for text in texts if text and re.search("[A-Za-z]{3}", text)}


def text_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(each) or "7" for each in node.values)
    return None


class ToldFaults(ast.NodeVisitor):
    """Finds what a module tells of faults, with a number in place of each value.

    Looks at each error for users and each `Failed` that is made; words that stand in a constant,
    in a variable of the same module, or in a function that gives them, are followed.
    """

    def __init__(self, module: Path, constants: dict[str, list[ast.expr]]) -> None:
        self.texts: set[str] = set()
        tree = ast.parse(module.read_text("utf-8"))
        self.known = constants | assigned_in(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
                self.known[f"{node.name}()"] = [each for each in found if each is not None]
        self.visit(tree)

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func) in TOLD and node.args:
            told = self.texts_of(node.args[0])
            self.texts |= {text for text in told if re.search("[A-Za-z]{3}", text)}
        self.generic_visit(node)

    def texts_of(self, node: ast.expr, depth: int = 0) -> list[str]:
        """All that an expression may say; nothing where it is not known here."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, ast.JoinedStr):
            parts = [self.part_texts(each, depth) for each in node.values]
            return ["".join(each) for each in itertools.product(*parts)]
        if isinstance(node, ast.IfExp):
            return [*self.texts_of(node.body, depth), *self.texts_of(node.orelse, depth)]
        name = ast.unparse(node.func) + "()" if isinstance(node, ast.Call) else ast.unparse(node)
        known = self.known.get(name, []) if depth < 3 else []
        return [text for each in known for text in self.texts_of(each, depth + 1)]

    def part_texts(self, node: ast.expr, depth: int) -> list[str]:
        """What a part of a text may be: words of a constant, else some number."""
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        inner = node.value if isinstance(node, ast.FormattedValue) else node
        found = self.texts_of(inner, depth) if isinstance(inner, ast.Name | ast.IfExp) else []
        is_said = found and all(" " in text or text == "" for text in found)  # else it is a name
        return found if is_said else [VALUE]


def assigned_in(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """What is given to each name."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def told_faults(*modules: Path) -> set[str]:
    """What modules tell of faults; a constant of one may be used by another."""
    constants: dict[str, list[ast.expr]] = {}
    for module in modules:
        tree = ast.parse(module.read_text("utf-8"))
        for name, values in assigned_in(ast.Module(tree.body, [])).items():
            if name.isupper():
                constants.setdefault(name, []).extend(values)
    return {text for module in modules for text in ToldFaults(module, constants).texts}


def source_words(*modules: Path) -> str:
    """All strings that modules hold, one after the other."""
    nodes = (node for file in modules for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    return "\n".join(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


class KnownWords:
    """Says which texts a language has words for, as translate.js looks them up.

    It is stricter: where a line is taken apart, each of its parts must be known.
    """

    def __init__(self, words: dict[str, str], staying: frozenset[str]) -> None:
        self.words = words
        self.staying = staying
        self.asked: dict[str, bool] = {}

    @cached_property
    def patterns(self) -> list[re.Pattern[str]]:
        keys = sorted((key for key in self.words if GAP.search(key)), key=len, reverse=True)
        return [re.compile(pattern(key)) for key in keys]

    def missing(self, texts) -> list[str]:
        return sorted(text for text in texts if not self.has(text))

    def has(self, text: str, depth: int = 0) -> bool:
        if text not in self.asked:
            self.asked[text] = self._has(text, depth)
        return self.asked[text]

    def _has(self, text: str, depth: int) -> bool:
        if text in self.words or text in self.staying or not re.search("[A-Za-z]", text):
            return True
        if depth > 5 or not text.strip():
            return False
        bold = re.fullmatch(r"\*\*([^*]+)\*\*|[✓✗!⚠] (.+)", text)
        if bold is not None and self.has(bold[1] or bold[2], depth + 1):
            return True
        small = text[:1].lower() + text[1:]
        return (
            (small != text and self.has(small, depth + 1))
            or self._filled(text, depth)
            or any(
                len(parts) > 1 and all(self.has(part, depth + 1) for part in parts)
                for parts in (text.split(" · "), sentences(text), text.split(", "))
            )
        )

    def _filled(self, text: str, depth: int) -> bool:
        for each in self.patterns:
            found = each.fullmatch(text)
            if found is None:
                continue
            turned = [value for name, value in found.groupdict().items() if name.startswith("turn")]
            if all(self.has(value, depth + 1) for value in turned):
                return True
        return False


def pattern(key: str) -> str:
    """A text with gaps as a regular expression; the groups named turn… are said in turn."""
    parts, at = [], 0
    for number, gap in enumerate(GAP.finditer(key)):
        parts.append(re.escape(key[at : gap.start()]))
        name = f"turn{number}" if gap[1] == "~" else f"kept{number}"
        parts.append(f"(?P<{name}>{NUMBER})" if gap[1] == "#" else f"(?P<{name}>.+?)")
        at = gap.end()
    return "".join([*parts, re.escape(key[at:])])


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?…]) (?=[*A-Z“\"])", text)
