"""Does an approved answer reach the same question in other words, and no other question?

For 101 questions of the sample handbook: the same in other words (`same`), in words that have nothing in common with it
(`loose`), and near misses (`other`): another number, place, person, time, subject, or a "not". The rules and the
threshold were made with the questions marked `tuned`; those `held_out` were written when both were fixed.
`cosine_alone` is what the embedder would do without rules, at the threshold that keeps the same precision."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from answerloop import metrics
from answerloop.ports import Embedder
from answerloop.settings import load_settings
from benchmarks.report import Bar, make_report, publish
from workers.answering.same_question import difference, parsed
from workers.wiring import Workshop

QUESTIONS = Path("samples/questions.jsonl")
PAIRS = Path(__file__).with_name("curated_questions.jsonl")
THRESHOLDS = (0.0, 0.7, 0.75, 0.8, 0.85, 0.9)
BARS = {
    "tuned_precision": Bar(least=0.99),
    "held_out_precision": Bar(least=0.99),
    "held_out_recall_same": Bar(least=0.8),
    "handbook_false_matches": Bar(most=0),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A question that has an approved answer, and another one. `part` and `kind` as in the file."""

    part: str
    kind: str
    question: str
    asked: str
    cosine: float

    def served(self, threshold: float) -> bool:
        return self.cosine >= threshold and not difference(parsed(self.asked), parsed(self.question))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the report to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=Path(home))
        embedder = Workshop(settings, "curated").embedder
        questions = [row for row in _rows(QUESTIONS) if row["kind"] != "follow_up"]
        pairs = load({row["id"]: row["question"] for row in questions}, embedder)
        figures = {"threshold": settings.curated_threshold}
        for part in ("tuned", "held_out"):
            chosen = [pair for pair in pairs if pair.part == part]
            figures |= {f"{part}_{name}": value for name, value in judged(chosen, settings.curated_threshold).items()}
        for threshold in THRESHOLDS:
            at = judged(pairs, threshold)
            figures |= {f"{name}_at_{threshold:.2f}": at[name] for name in ("precision", "recall_same", "recall_loose")}
        figures["cosine_alone_recall_same"] = cosine_alone(pairs, least_precision=0.99)
        false, compared = among_themselves(questions, embedder, settings.curated_threshold)
        figures |= {"handbook_false_matches": false, "handbook_pairs": compared}
    publish(make_report("curated", PAIRS.name, figures, BARS), options.json)


def load(questions: dict[str, str], embedder: Embedder) -> list[Pair]:
    pairs: list[Pair] = []
    for row in _rows(PAIRS):
        question = questions[row["id"]]
        for kind in ("same", "loose", "other"):
            vectors = embedder.embed([question, *row[kind]])
            cosines = vectors[1:] @ vectors[0]
            pairs += [
                Pair(row["part"], kind, question, asked, float(cosine))
                for asked, cosine in zip(row[kind], cosines, strict=True)
            ]
    return pairs


def judged(pairs: Sequence[Pair], threshold: float) -> dict[str, float]:
    """Precision of what is served among all pairs, and recall of each kind of paraphrase."""
    served = [pair for pair in pairs if pair.served(threshold)]
    precision = metrics.proportion(sum(pair.kind != "other" for pair in served), len(served))
    figures = {
        "precision": precision.value,
        "precision_low": precision.low,
        "false": float(sum(pair.kind == "other" for pair in served)),
        "near_misses": float(sum(pair.kind == "other" for pair in pairs)),
    }
    for kind in ("same", "loose"):
        wanted = sum(pair.kind == kind for pair in pairs)
        recall = metrics.proportion(sum(pair.kind == kind for pair in served), wanted)
        figures |= {f"recall_{kind}": recall.value, f"recall_{kind}_low": recall.low, f"n_{kind}": float(wanted)}
    return figures


def cosine_alone(pairs: Sequence[Pair], least_precision: float) -> float:
    """The best recall of `same` at any threshold with that precision; 0 where there is none."""
    best = 0.0
    wanted = sum(pair.kind == "same" for pair in pairs)
    for threshold in sorted({pair.cosine for pair in pairs}):
        served = [pair for pair in pairs if pair.cosine >= threshold]
        if sum(pair.kind != "other" for pair in served) >= least_precision * len(served):
            best = max(best, sum(pair.kind == "same" for pair in served) / wanted)
    return best


def among_themselves(rows: Sequence[dict[str, str]], embedder: Embedder, threshold: float) -> tuple[float, float]:
    """How many of the handbook's questions would be given the answer of another one that has another answer, and of how
    many pairs. One without an answer may be the same as one with: it is asked by somebody who may not know it."""
    cosines = embedder.embed([row["question"] for row in rows])
    cosines = cosines @ cosines.T
    said = [parsed(row["question"]) for row in rows]
    false = compared = 0
    for one, other in _pairs(len(rows)):
        compared += 1
        different = rows[one]["answers"] and rows[other]["answers"] and rows[one]["answers"] != rows[other]["answers"]
        if different and np.float32(cosines[one, other]) >= threshold and not difference(said[one], said[other]):
            false += 1
    return float(false), float(compared)


def _pairs(count: int) -> Iterable[tuple[int, int]]:
    return ((one, other) for one in range(count) for other in range(one + 1, count))


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
