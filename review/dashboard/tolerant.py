"""Values of JSON that may be missing, or other than expected: read for people, never a reason for a page to fail."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float, float]:
        return self.value, self.low, self.high


def number(value: Any) -> float | None:
    """A finite number, or none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def figure(value: Any) -> Figure | None:
    found = mapping(value)
    middle, low, high = (number(found.get(name)) for name in ("value", "low", "high"))
    if middle is None:
        return None
    return Figure(middle, middle if low is None else low, middle if high is None else high)


def said(value: Any) -> str:
    """Any value of JSON in a few words."""
    if (known := figure(value)) is not None:
        return f"{known.value:.3g} ({known.low:.3g} to {known.high:.3g})"
    match value:
        case bool():
            words = "yes" if value else "no"
        case int():
            words = f"{value:,}"
        case float():
            words = f"{value:.4g}"
        case Mapping():
            words = ", ".join(f"{name}: {said(each)}" for name, each in value.items())
        case list() | tuple():
            words = ", ".join(said(each) for each in value)
        case _:
            words = str(value or "")
    return words or "–"


def sentences(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def pairs(value: Any) -> list[tuple[str, str]]:
    return [(str(name).replace("_", " "), said(each)) for name, each in mapping(value).items()]


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def lines(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []
