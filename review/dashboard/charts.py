"""The geometry of charts, in a square of 100 by 100 that the page stretches; words stand beside it as HTML.

Nothing here writes markup: the templates do, and escape what they are given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SIZE = 100.0
GAP = 0.25
MOST_MARKS = 5


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    parts: tuple[Part, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """What a chart says, as a row of a table."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    bars: tuple[Bar, ...]
    ticks: tuple[str, ...]
    marks: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: tuple[Row, ...]
    total: int


def stacked(labels: Sequence[str], counts: Sequence[Mapping[Any, int]], kinds: Sequence[str]) -> Bars:
    """A bar for each label, its parts in the order of `kinds` from below."""
    totals = [sum(count.get(kind, 0) for kind in kinds) for count in counts]
    top = nice_top(max(totals, default=0))
    step = SIZE / max(1, len(labels))
    bars = []
    for place, (label, count) in enumerate(zip(labels, counts, strict=True)):
        parts, below = [], 0
        for kind in kinds:
            number = count.get(kind, 0)
            if number:
                height = number / top * SIZE
                parts.append(Part(kind, round(SIZE - below / top * SIZE - height, 3), round(height, 3)))
                below += number
        said = ", ".join(f"{count[kind]} {kind}" for kind in kinds if count.get(kind)) or "none"
        bars.append(
            Bar(round((place + GAP / 2) * step, 3), round(step * (1 - GAP), 3), tuple(parts), f"{label}: {said}")
        )
    rows = [
        Row(label, tuple(str(count.get(kind, 0)) for kind in kinds))
        for label, count in zip(labels, counts, strict=True)
    ]
    ticks = (f"{top:,}", f"{top // 2:,}" if top % 2 == 0 else "", "0")
    return Bars(tuple(bars), ticks, marks(labels), tuple(kinds), tuple(rows), sum(totals))


@dataclass(frozen=True, slots=True)
class Point:
    """One moment of a line; `low` and `high` are the ends of an interval. None: nothing is known of that moment."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """`band` and `line` are paths; `target` is the height of a line to reach."""

    line: str
    band: str
    dots: tuple[Dot, ...]
    ticks: tuple[str, ...]
    marks: tuple[str, ...]
    rows: tuple[Row, ...]
    target: float | None = None


def shares(points: Sequence[Point], target: float | None = None) -> Line:
    """Shares in 0..1, on a scale from 0 to 100 %."""
    xs = _xs(len(points))
    known = [(x, point) for x, point in zip(xs, points, strict=True) if point.value is not None]
    upper = [(x, _y(point.high)) for x, point in known if point.high is not None]
    lower = [(x, _y(point.low)) for x, point in known if point.low is not None]
    rows = [Row(p.label, (percent(p.value), f"{percent(p.low)} to {percent(p.high)}", p.note)) for _, p in known]
    return Line(
        line=path([(x, _y(point.value)) for x, point in known]),
        band=f"{path(upper + lower[::-1])}Z" if len(upper) > 1 else "",
        dots=tuple(Dot(round(x, 2), _y(p.value), f"{p.label}: {percent(p.value)}. {p.note}") for x, p in known),
        ticks=("100 %", "50 %", "0 %"),
        marks=marks([point.label for point in points]),
        rows=tuple(rows),
        target=None if target is None else _y(target),
    )


@dataclass(frozen=True, slots=True)
class Spark:
    line: str
    end: Dot | None


def spark(values: Sequence[float | None]) -> Spark:
    """How a figure went, without a scale."""
    known = [(x, value) for x, value in zip(_xs(len(values)), values, strict=True) if value is not None]
    if not known:
        return Spark("", None)
    low, high = min(value for _, value in known), max(value for _, value in known)
    spread = (high - low) or 1.0
    points = [(x, round(88 - (value - low) / spread * 76 if high > low else 50.0, 2)) for x, value in known]
    return Spark(path(points) if len(points) > 1 else "", Dot(*points[-1], ""))


def path(points: Sequence[tuple[float, float]]) -> str:
    return "".join(f"{'L' if place else 'M'}{x:.2f} {y:.2f}" for place, (x, y) in enumerate(points))


def nice_top(most: float) -> int:
    """The first of 4, 10, 20, 40, 60, 80, 100, 200 … that holds it."""
    if most <= 4:  # noqa: PLR2004
        return 4
    power = 10 ** math.floor(math.log10(most))
    return int(next(power * step for step in (1, 2, 4, 6, 8, 10) if power * step >= most))


def marks(labels: Sequence[str]) -> tuple[str, ...]:
    """A few of the labels, evenly from the first to the last."""
    if len(labels) <= MOST_MARKS:
        return tuple(labels)
    last = len(labels) - 1
    places = [round(last * part / (MOST_MARKS - 1)) for part in range(MOST_MARKS)]
    return tuple(labels[place] for place in places)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.0f} %"


def _xs(count: int) -> list[float]:
    return [SIZE / 2] if count == 1 else [SIZE * place / (count - 1) for place in range(count)]


def _y(share: float | None) -> float:
    return round(SIZE * (1 - (share or 0.0)), 2)


# --- curves of training, and intervals side by side -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Curve:
    kind: str
    line: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    curves: tuple[Curve, ...]
    ticks: tuple[str, ...]
    marks: tuple[str, ...]
    kinds: tuple[str, ...]


def curves(series: Mapping[str, Sequence[tuple[float, float]]], dotted: str = "") -> Curves:
    """Several lines over the same steps, on a scale that holds them all; the points of `dotted` are few and shown."""
    points = [point for line in series.values() for point in line]
    if not points:
        return Curves((), (), (), ())
    last = max(x for x, _ in points) or 1.0
    bottom, middle, top = scale(min(y for _, y in points), max(y for _, y in points))

    def at(x: float, y: float) -> tuple[float, float]:
        return round(x / last * SIZE, 2), round(SIZE * (1 - (y - bottom) / (top - bottom)), 2)

    lines = tuple(
        Curve(
            kind,
            path([at(*point) for point in line]),
            tuple(Dot(*at(x, y), f"step {x:g}: {y:.3f}") for x, y in line) if kind == dotted else (),
        )
        for kind, line in series.items()
        if line
    )
    ticks = (f"{top:g}", f"{middle:g}", f"{bottom:g}")
    steps = ("step 0", *(f"{last * part / 4:.0f}" for part in (1, 2, 3)), f"{last:.0f}")
    return Curves(lines, ticks, steps, tuple(line.kind for line in lines))


def scale(low: float, high: float) -> tuple[float, float, float]:
    """Three round numbers, evenly apart, that hold both."""
    power = 10.0 ** math.floor(math.log10(max(high - low, 1e-3) / 2))
    for step in (power * size for size in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 20)):
        bottom = math.floor(low / step * 2) * step / 2
        if bottom + 2 * step >= high:
            break
    return round(bottom, 6), round(bottom + step, 6), round(bottom + 2 * step, 6)


@dataclass(frozen=True, slots=True)
class Span:
    """An interval on a line from 0 to 100, and the figure in it. `zero` is where nothing changes."""

    x: float
    width: float
    at: float
    zero: float | None = None


def spans(figures: Sequence[tuple[float, float, float] | None], zero: bool = False) -> list[Span | None]:
    """(value, low, high) of each, all on one scale: of shares from 0 to 1, or around zero as far as they go."""
    known = [figure for figure in figures if figure is not None]
    left, right = 0.0, 1.0
    if zero:
        left, right = min([0.0, *(low for _, low, _ in known)]), max([0.0, *(high for _, _, high in known)])
        margin = (right - left) * 0.06 or 1.0
        left, right = left - margin, right + margin

    def at(value: float) -> float:
        return round(min(max((value - left) / (right - left), 0.0), 1.0) * SIZE, 2)

    return [
        None
        if figure is None
        else Span(at(figure[1]), round(at(figure[2]) - at(figure[1]), 2), at(figure[0]), at(0.0) if zero else None)
        for figure in figures
    ]
