"""Does the detector tell carried answers from others better than plain word overlap? Fits its weights again, too.

Reads any folder with rows.jsonl: `passage`, `answer`, and `label`, supported or unsupported.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from answerloop import metrics
from answerloop.backends.groundedness_mixed import Features, MixedGroundednessDetector, features
from answerloop.claims import carriers, grounding, source_sentences
from answerloop.settings import load_settings
from answerloop.text import words
from benchmarks.report import Bar, make_report, publish
from workers.evaluation import SEED

FOLDS, REPEATS = 5, 20
BARS = {"auroc": Bar(least=0.92), "margin": Bar(least=0.03)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with rows.jsonl")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first rows")
    options = parser.parse_args()
    lines = (options.data / "rows.jsonl").read_text().splitlines()[: options.limit]
    publish(
        make_report("groundedness", options.data.name, measure([json.loads(line) for line in lines]), BARS),
        options.json,
    )


def measure(rows: list[dict[str, Any]]) -> dict[str, float]:
    supported = [row["label"] == "supported" for row in rows]
    detector = MixedGroundednessDetector()
    judged = [detector.score([row["answer"]], [row["passage"]])[0] for row in rows]
    scores = [judgement.score for judgement in judged]
    served = metrics.auroc_estimate(scores, supported, SEED)
    overlap = metrics.auroc([_overlap(row) for row in rows], supported)
    threshold = load_settings().grounded_threshold
    shown = [score >= threshold for score in scores]
    return {
        "auroc": served.value,
        "auroc_low": served.low,
        "auroc_high": served.high,
        "overlap_auroc": overlap,
        "margin": served.value - overlap,
        "refitted_unseen_auroc": _cross_validated(rows, supported),
        "supported_kept": _share([kept for kept, carried in zip(shown, supported, strict=True) if carried]),
        "unsupported_kept": _share([kept for kept, carried in zip(shown, supported, strict=True) if not carried]),
        "contradicted": _share([bool(judgement.mismatches) for judgement in judged]),
        **_refitted(rows, supported),
    }


def _overlap(row: dict[str, Any]) -> float:
    """The baseline: the share of the answer's words that are in the passage."""
    said, source = words(row["answer"]), set(words(row["passage"]))
    return _share([word in source for word in said])


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _table(rows: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    return np.array([astuple(features(row["answer"], _carriers(row))) for row in rows])


def _carriers(row: dict[str, Any]) -> list[str]:
    return carriers(row["answer"], source_sentences([row["passage"]]))


def _fit(table: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> LogisticRegression:
    return LogisticRegression(max_iter=5000, C=10.0).fit(table, labels)


def _cross_validated(rows: list[dict[str, Any]], supported: list[bool]) -> float:
    """The mean over the repeats; every row judged by weights fitted without it."""
    table, labels = _table(rows), np.array(supported)
    unseen = np.zeros((REPEATS, len(rows)))
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED)
    for number, (train, test) in enumerate(folds.split(table, labels)):
        for at, probability in zip(
            test, _fit(table[train], labels[train]).predict_proba(table[test])[:, 1], strict=True
        ):
            unseen[number // FOLDS, at] = grounding(probability, rows[at]["answer"], _carriers(rows[at])).score
    return float(np.mean([roc_auc_score(labels, scores) for scores in unseen]))


def _refitted(rows: list[dict[str, Any]], supported: list[bool]) -> dict[str, float]:
    model = _fit(_table(rows), np.array(supported))
    names = [field.name for field in fields(Features)]
    return {"intercept": float(model.intercept_[0]), **dict(zip(names, map(float, model.coef_[0]), strict=True))}


if __name__ == "__main__":
    main()
