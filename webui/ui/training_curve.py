"""How a training goes, drawn as SVG: how much is heard right, and how wrong the network still is.

Only numbers are written into it, never text of anybody: it is shown as HTML.
"""

from collections.abc import Sequence

from webui.training_results import TrainingPoint

WIDTH, HEIGHT = 600, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 590, 12, 160  # of the field with the curves
MOST_POINTS = 400
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # that are marked at the side


def draw_curve(curve: Sequence[TrainingPoint]) -> str:
    """Draw the share of held-out frames that are right, and the loss, over the steps.

    The loss is drawn between nothing and its highest value. Without points there is no picture.
    """
    if not curve:
        return ""
    last = max(each.step for each in curve)
    heard = [(each.step, each.accuracy) for each in curve if each.accuracy is not None]
    known = [(each.step, each.loss) for each in curve if each.loss == each.loss]
    highest = max((loss for _, loss in known), default=0.0) or 1.0
    losses = [(step, loss / highest) for step, loss in known]
    best = max((share for _, share in heard), default=None)
    words = f"A training of {last} steps"
    words += "." if best is None else f"; at best {best:.1%} of the held-out frames are right."
    return "".join(
        [
            f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">',
            *map(_mark, SHARES),
            _line("loss", losses, last),
            _line("right", heard, last),
            *(_dot(step, share, last) for step, share in heard[-1:]),
            f'<text class="tick" x="{LEFT}" y="{HEIGHT - 12}" font-size="12">0</text>',
            f'<text class="tick" x="{RIGHT}" y="{HEIGHT - 12}" font-size="12" text-anchor="end">'
            f"{last} steps</text>",
            f'<text class="tick" x="{(LEFT + RIGHT) // 2}" y="{HEIGHT - 12}" font-size="12" '
            'text-anchor="middle">thick: frames right · thin: how wrong it is</text>',
            "</svg>",
        ]
    )


def _place(step: float, share: float, last: int) -> tuple[float, float]:
    x = LEFT + (RIGHT - LEFT) * step / max(last, 1)
    return round(x, 1), round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0), 1)


def _line(kind: str, points: Sequence[tuple[int, float]], last: int) -> str:
    every = -(-len(points) // MOST_POINTS) or 1
    thinned = [*points[::every], *points[-1:]]
    places = " ".join(f"{x},{y}" for x, y in (_place(step, share, last) for step, share in thinned))
    return f'<polyline class="{kind}" points="{places}"/>' if points else ""


def _dot(step: int, share: float, last: int) -> str:
    x, y = _place(step, share, last)
    return f'<circle class="right" cx="{x}" cy="{y}" r="4"/>'


def _mark(share: float) -> str:
    _, y = _place(0, share, 1)
    return (
        f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" font-size="12" text-anchor="end">'
        f"{share:.0%}</text>"
    )
