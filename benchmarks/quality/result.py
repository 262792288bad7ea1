"""What one run found out about each question, small enough to be committed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from answerloop import metrics
from answerloop.domain import Outcome

DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One question. What was not measured, or cannot be said of it, is None."""

    id: str
    answerable: bool
    probability: float
    reciprocal_rank: float | None = None
    answered: bool | None = None
    correct: bool | None = None
    f1: float | None = None
    rouge_l: float | None = None


@dataclass(frozen=True, slots=True)
class SetResult:
    """`about` says what was measured on what. The timings are that machine's: no verdict stands on them."""

    about: dict[str, str]
    timings: dict[str, float]
    rows: tuple[Row, ...]


AUROC = "auroc"
_CONTRIBUTIONS: Mapping[str, Callable[[Row], float | None]] = {
    "correct": lambda row: row.correct,
    "f1": lambda row: row.f1,
    "rouge_l": lambda row: row.rouge_l,
    "abstained_rightly": lambda row: None if row.answerable or row.answered is None else not row.answered,
    "mrr@10": lambda row: row.reciprocal_rank,
    "recall@5": lambda row: None if row.reciprocal_rank is None else row.reciprocal_rank >= 1 / 5,
    AUROC: lambda row: row.probability,
}


def contributions(rows: Iterable[Row], figure: str) -> dict[str, float]:
    """What each question that has a say brings, by its id: the figure is the mean, or for `auroc` their ranking."""
    found = {row.id: _CONTRIBUTIONS[figure](row) for row in rows}
    return {key: float(value) for key, value in found.items() if value is not None}


def figure_of(rows: Sequence[Row], figure: str) -> float | None:
    """Over all questions of a set; None when they have no say in it."""
    found = contributions(rows, figure)
    if figure == AUROC:
        labels = [row.answerable for row in rows]
        return metrics.auroc(list(found.values()), labels) if len(set(labels)) > 1 else None
    return sum(found.values()) / len(found) if found else None


def rows_of(measured: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """From what `workers.evaluation.measure` returns. ValueError for two of the same id: they could not be paired."""
    rows = {row["id"]: _row(row) for row in measured}
    if len(rows) < len(measured):
        raise ValueError("two questions of the set have the same id")
    return tuple(rows.values())


def _row(measured: Mapping[str, Any]) -> Row:
    golds = measured["doc_ids"]
    spoke = "outcome" in measured
    judged = spoke and measured["answerable"] and measured["answers"]
    return Row(
        id=measured["id"],
        answerable=measured["answerable"],
        probability=round(measured["probability"], DECIMALS),
        reciprocal_rank=round(metrics.reciprocal_rank(measured["retrieved"], golds, 10), DECIMALS) if golds else None,
        answered=measured["outcome"] == Outcome.ANSWERED if spoke else None,
        correct=measured["correct"] if judged else None,
        f1=round(measured["f1"], DECIMALS) if judged else None,
        rouge_l=round(metrics.rouge_l(measured["direct"], measured["answers"]), DECIMALS) if judged else None,
    )


def load(path: Path) -> dict[str, SetResult]:
    """By the name of the set; empty where nothing was committed yet."""
    if not path.exists():
        return {}
    return {
        name: SetResult(found["about"], found["timings"], tuple(Row(**row) for row in found["rows"]))
        for name, found in json.loads(path.read_text()).items()
    }


def save(path: Path, results: Mapping[str, SetResult]) -> None:
    """A line for each question, so that the difference between two versions reads well."""
    sets = []
    for name, found in results.items():
        rows = ",\n".join(_line(row) for row in found.rows)
        head = f'"about": {json.dumps(found.about)},\n"timings": {json.dumps(found.timings)}'
        sets.append(f'{json.dumps(name)}: {{\n{head},\n"rows": [\n{rows}\n]}}')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(sets) + "\n}\n")


def _line(row: Row) -> str:
    return json.dumps({key: value for key, value in asdict(row).items() if value is not None})
