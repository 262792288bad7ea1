"""How good is the reader's direct answer, and what weights would these sets give it?

The short answers of the sample handbook and of the set below `--data` are read from the three best sentences that the
real retrieval found. `cross_validated_f1` is of weights fitted without the question's own document (five folds); `f1`
is of the weights that are served. `--fit` writes new weights: look at `cross_validated_f1` first.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from answerloop import metrics
from answerloop.backends.generator_reader import WEIGHTS, ReaderGenerator
from answerloop.backends.local_models.phrases import Phrase
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish
from workers.answering.prompt import EVIDENCE_SENTENCES
from workers.evaluation import SEED, read_questions, throwaway

SAMPLES = Path("samples")
FOLDS = 5
PENALTY = 8.0
SHARPNESS = 4.0
"""A phrase of F1 y is wanted with a weight of exp(SHARPNESS * y)."""
LEAST_SEEN = 8
"""Questions in which a feature must occur to get a weight."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A question with its phrases and the F1 of each."""

    document: str
    phrases: Sequence[Phrase]
    f1: Array


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with documents.jsonl and questions.jsonl")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first questions of each set")
    parser.add_argument("--fit", action="store_true", help="write the weights fitted on both sets")
    options = parser.parse_args()
    reader = ReaderGenerator()
    sample = collect(reader, SAMPLES / "handbook", SAMPLES / "questions.jsonl", options.limit)
    rows = collect(reader, options.data / "documents.jsonl", options.data / "questions.jsonl", options.limit)
    served = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    figures = {
        "f1": float(np.mean([said(row, served) for row in rows])),
        "cross_validated_f1": cross_validated(rows, sample),
        "sample_f1": float(np.mean([said(row, served) for row in sample])),
        "sample_cross_validated_f1": cross_validated(sample, rows),
        "best_phrase_f1": float(np.mean([row.f1.max() for row in rows])),
        "n": float(len(rows)),
    }
    if options.fit:
        weights = {name: round(weight, 3) for name, weight in sorted(fit([*rows, *sample]).items())}
        WEIGHTS.write_text(json.dumps(weights, indent=0) + "\n", encoding="utf-8")
    publish(make_report("reader", options.data.name, figures, {"f1": Bar(least=0.55)}), options.json)


def collect(reader: ReaderGenerator, documents: Path, questions: Path, limit: int | None) -> list[Row]:
    """The answerable questions whose evidence has a phrase."""
    rows = []
    with throwaway(load_settings(generator="extractive"), documents) as workshop:
        for asked in read_questions(questions, "default")[:limit]:
            if not (asked.answerable and asked.answers):
                continue
            found = workshop.retriever.retrieve(asked.question, asked.history, asked.asked.audience)
            phrases = reader.phrases(asked.question, found.evidence[:EVIDENCE_SENTENCES])
            if phrases:
                scores = np.array([metrics.f1(phrase.text, asked.answers) for phrase in phrases])
                rows.append(Row(asked.doc_ids[0] if asked.doc_ids else asked.id, phrases, scores))
    return rows


def said(row: Row, weights: dict[str, float]) -> float:
    """F1 of the phrase that these weights choose."""
    scores = [sum(weights.get(name, 0.0) * value for name, value in phrase.features.items()) for phrase in row.phrases]
    return float(row.f1[int(np.argmax(scores))])


def cross_validated(rows: Sequence[Row], others: Sequence[Row]) -> float:
    documents = sorted({row.document for row in rows})
    random.Random(SEED).shuffle(documents)  # noqa: S311 - a split, not a secret
    fold = {document: number % FOLDS for number, document in enumerate(documents)}
    scores: list[float] = []
    for number in range(FOLDS):
        weights = fit([*(row for row in rows if fold[row.document] != number), *others])
        scores += [said(row, weights) for row in rows if fold[row.document] == number]
    return float(np.mean(scores))


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """Weights of a conditional logit over the phrases of each question, with a ridge penalty."""
    rows = [row for row in rows if row.f1.max() > 0]
    seen = Counter(name for row in rows for name in {name for phrase in row.phrases for name in phrase.features})
    names = sorted(name for name, count in seen.items() if count >= LEAST_SEEN)
    column = {name: at for at, name in enumerate(names)}
    tables = [_table(row.phrases, column) for row in rows]
    wanted = [softmax(np.where(row.f1 > 0, SHARPNESS * row.f1, -np.inf)) for row in rows]

    def loss(weights: Array) -> tuple[float, Array]:
        total, gradient = PENALTY * float(weights @ weights), 2 * PENALTY * weights
        for table, want in zip(tables, wanted, strict=True):
            scores = table @ weights
            total -= float(want @ (scores - logsumexp(scores)))
            gradient = gradient + table.T @ (softmax(scores) - want)
        return total, gradient

    weights = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    return dict(zip(names, map(float, weights), strict=True))


def _table(phrases: Sequence[Phrase], column: dict[str, int]) -> Array:
    table = np.zeros((len(phrases), len(column)))
    for at, phrase in enumerate(phrases):
        for name, value in phrase.features.items():
            if name in column:
                table[at, column[name]] = value
    return table


if __name__ == "__main__":
    main()
