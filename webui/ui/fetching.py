"""Finds in what a browser sends to Gradio a file that the server would have to fetch itself.

Gradio takes a web address where a file's path belongs and downloads it before a handler is asked.
"""

import json
from typing import Any

WEB = ("http://", "https://")  # what gradio_client.utils.is_http_url_like looks for


class _ForeignFileError(Exception):
    """A file's path is a web address."""


def asks_to_fetch(body: bytes) -> bool:
    """Whether a JSON body names a web address as the path of a file, however deep."""
    try:
        json.loads(body, object_pairs_hook=_look)
    except _ForeignFileError:
        return True
    except RecursionError:  # nothing of ours is nested so deep
        return True
    except ValueError:
        return False  # Gradio cannot read it either
    return False


def _look(pairs: list[tuple[str, Any]]) -> None:
    for name, value in pairs:
        if name == "path" and isinstance(value, str) and value.startswith(WEB):
            raise _ForeignFileError
