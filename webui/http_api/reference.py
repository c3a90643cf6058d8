"""`/docs`: every call on one plain page of our own; it asks nothing of other hosts."""

import html
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1f2430; background: #fff }
code { font-family: ui-monospace, monospace }
h2 { border-bottom: 1px solid #c8ccd6; margin-top: 2.5rem }
h3 { margin-bottom: 0.2rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0 }
@media (prefers-color-scheme: dark) { body { color: #e6e8ee; background: #15171d } }
"""


def reference_page(schema: dict[str, Any]) -> str:
    """Write the description of an API as a page."""
    shapes = schema.get("components", {}).get("schemas", {})
    parts = [f"<h1>{_safe(schema['info']['title'])}</h1>"]
    parts.append(f"<p>{_safe(schema['info'].get('description', ''))}</p>")
    parts.append('<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>')
    calls = [
        (call.get("tags", ["Other"])[0], method.upper(), path, call)
        for path, methods in schema["paths"].items()
        for method, call in methods.items()
    ]
    section = ""
    for tag, method, path, call in sorted(calls, key=lambda each: each[0]):
        if tag != section:
            section = tag
            parts.append(f"<h2>{_safe(tag)}</h2>")
        parts.append(f"<h3><code>{_safe(method)} {_safe(path)}</code></h3>")
        parts.append(f"<p>{_safe(call.get('description', ''))}</p>")
        parts.append(_table(_values(call, shapes)))
    body = "\n".join(parts)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    title = _safe(schema["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{title}</title>'
        f"<style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _values(call: dict[str, Any], shapes: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a call is given: name, kind, meaning."""
    rows = [
        (each["name"], _kind(each["schema"], shapes), each.get("description", ""))
        for each in call.get("parameters", [])
    ]
    content = call.get("requestBody", {}).get("content", {})
    for body in content.values():
        shape = _resolved(body["schema"], shapes)
        needed = shape.get("required", [])
        for name, value in shape.get("properties", {}).items():
            kind = _kind(value, shapes) + (", needed" if name in needed else "")
            rows.append((name, kind, value.get("description", "")))
    return rows


def _resolved(shape: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shapes.get(shape.get("$ref", "").rpartition("/")[2], shape)
    return found


def _kind(shape: dict[str, Any], shapes: dict[str, Any]) -> str:
    """A value's kind in words."""
    shape = _resolved(shape, shapes)
    if "anyOf" in shape:
        kinds = [_kind(each, shapes) for each in shape["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    kind = " | ".join(map(str, shape["enum"])) if "enum" in shape else shape.get("type", "any")
    if "minimum" in shape and "maximum" in shape:
        kind += f" {shape['minimum']:g} to {shape['maximum']:g}"
    default = shape.get("default")
    return kind if default in (None, {}) else f"{kind}, usually {default}"


def _table(rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    lines = [
        f"<tr><td><code>{_safe(name)}</code></td><td>{_safe(kind)}</td><td>{_safe(words)}</td></tr>"
        for name, kind, words in rows
    ]
    return f"<table>{''.join(lines)}</table>"


def _safe(text: str) -> str:
    return html.escape(text)
