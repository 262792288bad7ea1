"""The question sets, what is measured on each, and the bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerloop import metrics
from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.domain import Outcome
from answerloop.errors import GeneratorUnavailable
from answerloop.settings import load_settings
from benchmarks.quality.result import SetResult, rows_of
from benchmarks.report import Bar, describe_machine
from workers.evaluation import TestQuestion, measure, read_questions, throwaway

SAMPLES = Path("samples")
SLICE = "slice"
SLICE_STEP = 4

ANSWERS = ("correct", "f1", "abstained_rightly", "auroc", "mrr@10")


@dataclass(frozen=True, slots=True)
class QuestionSet:
    figures: tuple[str, ...]
    generate: bool = True
    dtype: str = "auto"


SETS = {
    "sample": QuestionSet(ANSWERS),
    "handbook-18f": QuestionSet(("rouge_l", "mrr@10", "recall@5")),
    "policyqa": QuestionSet(("mrr@10",), generate=False),
    "xquad-en": QuestionSet(ANSWERS),
    # Narrower numbers would make an answer depend on what else is in the batch, and on the processor.
    SLICE: QuestionSet(ANSWERS, dtype="float32"),
}
OWN = ("sample", SLICE)  # these come with the project, the others with --data

BARS = {
    "sample_correct": Bar(least=0.85),
    "sample_abstained_rightly": Bar(least=0.90),
    "sample_answer_p50_s": Bar(most=4.0),
    "sample_first_text_p50_s": Bar(most=1.5),
    "xquad-en_correct": Bar(least=0.84),
    "xquad-en_f1": Bar(least=0.55),
    "xquad-en_auroc": Bar(least=0.93),
    "handbook-18f_mrr@10": Bar(least=0.76),
    "handbook-18f_recall@5": Bar(least=0.87),
    "policyqa_mrr@10": Bar(least=0.42),
}


def run(name: str, data: Path | None, limit: int | None) -> SetResult:
    """One set through the whole pipeline, with the settings of this installation. A question that fails, fails it."""
    chosen = SETS[name]
    settings = load_settings(dtype=chosen.dtype) if chosen.dtype != "auto" else load_settings()
    documents, questions = paths(name, data)
    rows = read_questions(questions, settings.tenant)
    rows = (sliced(rows) if name == SLICE else rows)[:limit]
    with throwaway(settings, documents) as workshop:
        measured = measure(workshop, rows, generate=chosen.generate)
    if settings.generator != "extractive":
        refuse_quotes_of_a_failed_model(measured)
    about = {
        "generator": settings.generator,
        "model": settings.model,
        "embedder": settings.embedder,
        "dtype": settings.dtype,
        "machine": describe_machine(),
    }
    return SetResult(about, medians(measured), rows_of(measured))


def medians(measured: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds to the whole answer, and to the first text that its asker can read; refusals would only flatter them."""
    spoken = [row for row in measured if row.get("outcome") == Outcome.ANSWERED]
    seconds = {
        "answer_p50_s": [row["timings_ms"]["total"] / 1000 for row in spoken],
        "first_text_p50_s": [row["first_text_ms"] / 1000 for row in spoken],
    }
    return {key: round(metrics.percentile(values, 50), 2) for key, values in seconds.items() if values}


def refuse_quotes_of_a_failed_model(measured: Sequence[Mapping[str, Any]]) -> None:
    """Served, a quote beats an apology; measured, it would pass for the model's. Raises GeneratorUnavailable."""
    for row in measured:
        if row.get("model") == ExtractiveGenerator.name:
            raise GeneratorUnavailable(f"{row['id']} was answered by a quote; the model failed: {row['reason']}")


def paths(name: str, data: Path | None) -> tuple[Path, Path]:
    """Of the documents and the questions."""
    if name in OWN:
        return SAMPLES / "handbook", SAMPLES / "questions.jsonl"
    if data is None:
        raise ValueError(f"{name} lies in the folder of the public sets")
    return data / name / "documents.jsonl", data / name / "questions.jsonl"


def sliced(rows: Sequence[TestQuestion]) -> list[TestQuestion]:
    """Always the same: every fourth of the answerable questions in their order, which goes by kind and subject, and
    all that are not, because they are few and mostly cost no generation."""
    answerable = [row for row in rows if row.answerable][::SLICE_STEP]
    return answerable + [row for row in rows if not row.answerable]
