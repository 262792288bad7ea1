"""Retrieval on a question set, beside its baselines in the same run: words alone, vectors alone, reciprocal
rank fusion. `above_best_other` is the paired difference in MRR@10 to the best of these.

The baselines see the same chunks and the same readers. Documents are ranked by their best chunk.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from answerloop import metrics
from answerloop.cli.console import progress_bar
from answerloop.domain import Hit
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish
from workers.evaluation import SEED, TestQuestion, keys_of, read_questions, throwaway

RRF_K = 60
BARS = {
    "handbook-18f": {"mrr@10": Bar(least=0.76), "recall@5": Bar(least=0.87)},
    "policyqa": {"mrr@10": Bar(least=0.42)},
    "xquad-en": {"mrr@10": Bar(least=0.96)},
}

Ranking = Callable[[Sequence[Hit]], Sequence[Hit]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with documents.jsonl and questions.jsonl")
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--limit", type=int, help="only the first questions")
    options = parser.parse_args()
    rows = [row for row in read_questions(options.data / "questions.jsonl", "default") if row.doc_ids]
    figures = measure(options.data / "documents.jsonl", rows[: options.limit])
    bars = BARS.get(options.data.name, {}) if options.limit is None else {}
    publish(
        make_report("retrieval", options.data.name, figures, {**bars, "above_best_other": Bar(least=0.0)}), options.json
    )


def measure(documents: Path, rows: Sequence[TestQuestion]) -> dict[str, float]:
    ranked: dict[str, list[list[str]]] = {name: [] for name in (OURS, *BASELINES)}
    seconds: list[float] = []
    with throwaway(load_settings(generator="extractive"), documents) as workshop, progress_bar("searching") as progress:
        keys = keys_of(workshop)
        for done, row in enumerate(rows):
            progress(done, len(rows), row.id)
            query, vector = workshop.retriever.understand(row.question, row.history)
            started = time.perf_counter()
            hits = [hit for hit, _ in workshop.retriever.rank(query, vector, row.asked.audience)]
            seconds.append(time.perf_counter() - started)
            for name, order in {OURS: hits, **{name: ranking(hits) for name, ranking in BASELINES.items()}}.items():
                ranked[name].append(list(dict.fromkeys(keys[hit.chunk.document_id] for hit in order)))
    reciprocal = {
        name: [metrics.reciprocal_rank(got, row.doc_ids, 10) for got, row in zip(rankings, rows, strict=True)]
        for name, rankings in ranked.items()
    }
    best_other = max(BASELINES, key=lambda name: sum(reciprocal[name]))
    above = metrics.paired_difference(reciprocal[OURS], reciprocal[best_other], SEED)
    figures = {"n": float(len(rows)), "rank_p50_ms": metrics.percentile(seconds, 50) * 1000}
    for name, rankings in ranked.items():
        figures |= {f"{name}_{key}".lstrip("_"): value for key, value in _figures(rankings, rows).items()}
    return figures | {
        "above_best_other": above.value,
        "above_best_other_low": above.low,
        "above_best_other_high": above.high,
    }


def _reciprocal_rank_fusion(hits: Sequence[Hit]) -> list[Hit]:
    scores: dict[str, float] = {}
    legs: tuple[Callable[[Hit], float], ...] = (lambda hit: hit.bm25, lambda hit: hit.cosine)
    for value in legs:
        for rank, hit in enumerate(sorted(hits, key=lambda hit: -value(hit)), start=1):
            scores[hit.chunk.id] = scores.get(hit.chunk.id, 0.0) + 1 / (RRF_K + rank)
    return sorted(hits, key=lambda hit: -scores[hit.chunk.id])


def _figures(rankings: Sequence[Sequence[str]], rows: Sequence[TestQuestion]) -> dict[str, float]:
    pairs = [(got, row.doc_ids) for got, row in zip(rankings, rows, strict=True)]
    figures = {
        f"recall@{k}": metrics.mean([metrics.recall_at(got, gold, k) for got, gold in pairs], SEED).value
        for k in (1, 5, 10)
    }
    mrr = metrics.mean([metrics.reciprocal_rank(got, gold, 10) for got, gold in pairs], SEED)
    return {**figures, "mrr@10": mrr.value, "mrr@10_low": mrr.low, "mrr@10_high": mrr.high}


OURS = ""
BASELINES: dict[str, Ranking] = {
    "words": lambda hits: sorted(hits, key=lambda hit: -hit.bm25),
    "vectors": lambda hits: sorted(hits, key=lambda hit: -hit.cosine),
    "rrf": _reciprocal_rank_fusion,
}


if __name__ == "__main__":
    main()
