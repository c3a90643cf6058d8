"""How sure a measured share is: Wilson's score interval."""

from collections.abc import Sequence
from typing import Any

Z = 1.96  # 95 %


def share(hits: Sequence[bool]) -> dict[str, Any]:
    """The share of hits with its 95 % interval, and how many there were."""
    count = len(hits)
    if not count:
        return {"share": None, "count": 0}
    p = sum(hits) / count
    middle = (p + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * (p * (1 - p) / count + Z * Z / (4 * count * count)) ** 0.5
    return {
        "share": round(p, 4),
        "low": round(max(0.0, middle - half), 4),
        "high": round(min(1.0, middle + half), 4),
        "count": count,
    }


def mean_interval(values: Sequence[float]) -> dict[str, Any]:
    """The mean of some values with its 95 % interval, by the normal approximation."""
    count = len(values)
    if not count:
        return {"mean": None, "count": 0}
    mean = sum(values) / count
    spread = (sum((each - mean) ** 2 for each in values) / max(count - 1, 1)) ** 0.5
    half = Z * spread / count**0.5
    return {
        "mean": round(mean, 4),
        "low": round(mean - half, 4),
        "high": round(mean + half, 4),
        "count": count,
    }
