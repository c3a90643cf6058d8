"""Handlers that act for the visitor who uses them: with that visitor's voices and nobody else's.

A tab is built once for all visitors of a page. On a public page each of its handlers works on a
copy of the tab whose studio sees what its visitor may see; on a local page on the tab itself.
"""

import copy
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from webui.ui.studio import Studio

T = TypeVar("T")
GIVEN_BY_GRADIO = (gr.Request, gr.EventData)  # stand before the values, where a handler asks


def seen_by(holder: T, owner: object) -> T:
    """A tab, or a part of one, as one visitor sees it."""
    studio: Studio = holder.studio  # type: ignore[attr-defined]
    theirs = studio.for_visitor(owner)
    if theirs is studio:
        return holder
    seen = copy.copy(holder)
    for name, part in vars(holder).items():
        if isinstance(getattr(part, "studio", None), Studio):
            setattr(seen, name, seen_by(part, owner))
    seen.studio = theirs  # type: ignore[attr-defined]
    return seen


def visited(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Make a handler that is given the visitor's key before the other values.

    Args:
        handler: a method of something with a studio.
    """
    holder, name = handler.__self__, handler.__name__  # type: ignore[attr-defined]
    return _with_owner(handler, lambda owner: getattr(seen_by(holder, owner), name))


def _with_owner(
    handler: Callable[..., Any], bind: Callable[[object], Callable[..., Any]]
) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(handler):

        def streamed(*values: Any) -> Any:  # noqa: ANN401  (whatever the handler takes and shows)
            given, owner, rest = _parted(values)
            yield from bind(owner)(*given, *rest)

        return _like(streamed, handler)

    def answered(*values: Any) -> Any:  # noqa: ANN401  (whatever the handler takes and gives)
        given, owner, rest = _parted(values)
        return bind(owner)(*given, *rest)

    return _like(answered, handler)


def _parted(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], object, tuple[Any, ...]]:
    """What Gradio gives by itself, the visitor's key, and the widgets' values."""
    count = 0
    while isinstance(values[count], GIVEN_BY_GRADIO):
        count += 1
    return values[:count], values[count], values[count + 1 :]


def _like(wrapper: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
    """Give a wrapper the handler's name, and its parameters with the visitor's key among them."""
    wrapper.__name__, wrapper.__doc__ = handler.__name__, handler.__doc__
    wrapper.__annotations__ = dict(getattr(handler, "__annotations__", {}))
    known = list(inspect.signature(handler).parameters.values())
    count = sum(_is_given(each.annotation) for each in known)
    kind = inspect.Parameter.POSITIONAL_ONLY
    named = [each.replace(kind=kind) if each.kind == 1 else each for each in known]
    owner = inspect.Parameter("visitor", kind, annotation=object)
    parameters = [*named[:count], owner, *named[count:]]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return wrapper


def _is_given(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, GIVEN_BY_GRADIO)
