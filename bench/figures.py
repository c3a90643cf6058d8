"""Keeps what a bench has measured."""

import json
from pathlib import Path
from typing import Any


def keep(result: dict[str, Any], out: Path | None) -> str:
    """Write figures as JSON into a file, where one is named; gives the same text to be shown."""
    text = json.dumps(result, indent=1)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", "utf-8")
    return text
