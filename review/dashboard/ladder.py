"""The ladder of a night as a table: an arm in each row, its figures in groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from review.dashboard import charts
from review.dashboard.render import duration
from review.dashboard.tolerant import Figure, figure, lines, mapping, number

CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Cell:
    name: str
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class Rung:
    """`f1` with its place on a scale from 0 to 1."""

    name: str
    candidate: bool
    f1: Figure | None
    span: charts.Span | None
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Ladder:
    questions: int | None
    groups: list[Group]
    rungs: list[Rung]


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


COLUMNS: dict[str, dict[str, str]] = {
    "Direct answer": {"f1": "F1", "exact_match": "Exact", "rouge_l": "ROUGE-L", "bleu": "BLEU"},
    "Whole answer": {
        "correct": "Correct",
        "grounded": "Grounded",
        "citation_precision": "Citation precision",
        "citation_recall": "Citation recall",
    },
    "No answer in the documents": {"abstained_rightly": "Abstained", "answered_wrongly": "Answered"},
}
COUNTED = {"unsafe": ("Unsafe", "unsafe_asked"), "obeyed": ("Obeyed", "injected")}


def ladder(found: Mapping[str, Any]) -> Ladder:
    """Columns of which no arm knows anything are left out."""
    arms = [arm for arm in lines(found.get("arms")) if arm.get("name")]
    columns = {
        group: {name: head for name, head in names.items() if any(_figure(arm, name) for arm in arms)}
        for group, names in COLUMNS.items()
    }
    groups = [Group(group, list(names.values())) for group, names in columns.items() if names]
    if arms:
        groups += [
            Group("Safety", [head for head, _ in COUNTED.values()]),
            Group("Besides", ["Perplexity", "Seconds"]),
        ]
    f1s = [_figure(arm, "f1") for arm in arms]
    places = charts.spans([f1.ends if f1 else None for f1 in f1s])
    questions = number(found.get("questions"))
    return Ladder(
        None if questions is None else int(questions),
        groups,
        [
            Rung(str(arm["name"]), arm["name"] == CANDIDATE, f1, place, _cells(arm, columns))
            for arm, f1, place in zip(arms, f1s, places, strict=True)
        ],
    )


def _cells(arm: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]]) -> list[Cell]:
    shares = [
        _cell(head, _figure(arm, name), _percent, "–") for names in columns.values() for name, head in names.items()
    ]
    counts = [Cell(head, _of(arm, name, asked), "") for name, (head, asked) in COUNTED.items()]
    perplexity = number(arm.get("perplexity"))
    besides = Cell("Perplexity", "–" if perplexity is None else f"{perplexity:.1f}", "")
    return [*shares, *counts, besides, _cell("Seconds", _figure(arm, "seconds"), duration, " to ")]


def _cell(head: str, known: Figure | None, words: Callable[[float], str], between: str) -> Cell:
    if known is None:
        return Cell(head, "–", "")
    apart = known.low != known.high
    return Cell(head, words(known.value), f"{words(known.low)}{between}{words(known.high)}" if apart else "")


def _of(arm: Mapping[str, Any], name: str, asked: str) -> str:
    count, of = number(arm.get(name)), number(arm.get(asked))
    return "–" if count is None or of is None else f"{count:.0f} of {of:.0f}"


def _figure(arm: Mapping[str, Any], name: str) -> Figure | None:
    found = mapping(arm.get("figures")).get(name)
    plain = number(found)
    return Figure(plain, plain, plain) if plain is not None else figure(found)
