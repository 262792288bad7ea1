"""Fits the weights of `workers.answering.answerable` again and says how well they tell what can be answered.

Each set is also judged by weights that were fitted on the others alone.
"""

from __future__ import annotations

import argparse
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from answerloop import metrics
from answerloop.cli.console import progress_bar
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish
from workers.answering import answerable
from workers.evaluation import SEED, read_questions, throwaway

SAMPLES = Path("samples")
Rows = list[tuple[float, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with documents.jsonl and questions.jsonl")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first questions of each set")
    options = parser.parse_args()
    sets = {
        "sample": collect(SAMPLES / "handbook", SAMPLES / "questions.jsonl", options.limit),
        options.data.name: collect(options.data / "documents.jsonl", options.data / "questions.jsonl", options.limit),
    }
    figures = _weights(_fit(*_joined(sets, set(sets))))
    for name, (rows, labels) in sets.items():
        others = _fit(*_joined(sets, set(sets) - {name}))
        served = [answerable.probability(answerable.Features(*row)) for row in rows]
        figures[f"{name}_auroc"] = metrics.auroc_estimate(served, labels, SEED).value
        figures[f"{name}_unseen_auroc"] = metrics.auroc(list(others.predict_proba(rows)[:, 1]), labels)
    figures["auroc"] = figures[f"{options.data.name}_auroc"]
    publish(make_report("answerability", options.data.name, figures, {"auroc": Bar(least=0.93)}), options.json)


def collect(documents: Path, questions: Path, limit: int | None) -> tuple[Rows, list[bool]]:
    """The features of each question, and whether it can be answered."""
    asked = read_questions(questions, "default")[:limit]
    rows: Rows = []
    with throwaway(load_settings(generator="extractive"), documents) as workshop, progress_bar("searching") as progress:
        for done, row in enumerate(asked):
            progress(done, len(asked), row.id)
            found = workshop.retriever.retrieve(row.question, row.history, row.asked.audience)
            rows.append(astuple(answerable.features(found)))
    return rows, [row.answerable for row in asked]


def _joined(sets: dict[str, tuple[Rows, list[bool]]], names: set[str]) -> tuple[Rows, list[bool]]:
    chosen = [sets[name] for name in sorted(names)]
    return [row for rows, _ in chosen for row in rows], [label for _, labels in chosen for label in labels]


def _fit(rows: Rows, labels: list[bool]) -> LogisticRegression:
    return LogisticRegression(max_iter=5000, C=10.0).fit(np.asarray(rows), labels)


def _weights(model: LogisticRegression) -> dict[str, float]:
    names = [field.name for field in fields(answerable.Features)]
    return {"intercept": float(model.intercept_[0]), **dict(zip(names, map(float, model.coef_[0]), strict=True))}


if __name__ == "__main__":
    main()
