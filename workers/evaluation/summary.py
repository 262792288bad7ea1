"""The figures over all questions, each with its n and a 95 % interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from answerloop import metrics
from answerloop.domain import Outcome
from answerloop.metrics import Estimate

SEED = 20261123


def summary(per_question: Sequence[dict[str, Any]], generate: bool) -> dict[str, Any]:
    found = [row for row in per_question if row["doc_ids"]]
    result: dict[str, Any] = {"retrieval": {}, "answers": {"n": 0}, "abstention": {}}
    if found:
        ranks = [(row["retrieved"], row["doc_ids"]) for row in found]
        for k in (1, 5, 10):
            result["retrieval"][f"recall@{k}"] = mean([metrics.recall_at(got, gold, k) for got, gold in ranks])
        result["retrieval"]["mrr@10"] = mean([metrics.reciprocal_rank(got, gold, 10) for got, gold in ranks])
    labels = [row["answerable"] for row in per_question]
    if True in labels and False in labels:
        scores = [row["probability"] for row in per_question]
        result["abstention"]["auroc"] = metrics.auroc_estimate(scores, labels, SEED).as_dict()
    if generate:
        result["answers"] = _answers(with_golds(per_question))
        counts = metrics.abstention_counts([row["outcome"] == Outcome.ANSWERED for row in per_question], labels)
        result["abstention"] |= {name: metrics.proportion(*pair).as_dict() for name, pair in counts.items()}
    return result


def with_golds(per_question: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The questions whose answers can be right."""
    return [row for row in per_question if row["answerable"] and row["answers"]]


def _answers(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not rows:
        return {"n": 0}
    direct = [row["direct"] for row in rows]
    golds = [row["answers"] for row in rows]
    return {
        "n": len(rows),
        "correct": share([row["correct"] for row in rows]),
        "exact_match": mean([metrics.exact_match(text, gold) for text, gold in zip(direct, golds, strict=True)]),
        "f1": mean([row["f1"] for row in rows]),
        "rouge_l": mean([metrics.rouge_l(text, gold) for text, gold in zip(direct, golds, strict=True)]),
        "bleu": Estimate(bleu := metrics.bleu(direct, golds), bleu, bleu, len(rows)).as_dict(),
        "seconds": mean([row["timings_ms"]["total"] / 1000 for row in rows]),
    }


def mean(values: Sequence[float]) -> dict[str, float]:
    return metrics.mean(values, SEED).as_dict()


def share(values: Sequence[bool]) -> dict[str, float]:
    return metrics.proportion(sum(values), len(values)).as_dict()
