"""`answerloop evaluate`: every question is asked with the rights of its own `groups` (default: everyone), in its own
tenant, in a throw-away index."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from answerloop.cli.console import progress_bar
from answerloop.domain import AnswerDraft, CitedSource, Outcome, Stage
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from workers.answering import answerable
from workers.evaluation.judge import direct_line, judge
from workers.evaluation.no_retrieval import ask_without_documents, comparison
from workers.evaluation.questions import TestQuestion, read_questions
from workers.evaluation.summary import summary
from workers.evaluation.throwaway import keys_of, throwaway
from workers.wiring import Workshop

DEPTH = 10


def evaluate(
    settings: Settings,
    documents_path: Path,
    questions_path: Path,
    *,
    limit: int | None,
    generate: bool,
    compare: bool = False,
) -> dict[str, Any]:
    """Retrieval, answers and abstention, each figure with its interval; with `compare` also the model on its own."""
    if compare and (not generate or settings.generator == "extractive"):
        raise ConfigurationError("The comparison without retrieval needs answers of a model (ANSWERLOOP_GENERATOR).")
    if generate and settings.leaves_the_house:
        raise ConfigurationError(
            "A question set is never sent to a model outside the house: choose another ANSWERLOOP_GENERATOR to measure."
        )
    rows = read_questions(questions_path, settings.tenant)[:limit]
    with throwaway(settings, documents_path) as workshop:
        per_question = measure(workshop, rows, generate=generate, compare=compare)
    return {
        "settings": {"generator": settings.generator, "model": settings.model, "embedder": settings.embedder},
        **summary(per_question, generate),
        **({"comparison": comparison(per_question)} if compare else {}),
        "per_question": per_question,
    }


def measure(
    workshop: Workshop, rows: Sequence[TestQuestion], *, generate: bool, compare: bool = False
) -> list[dict[str, Any]]:
    """A row for each question. A question that fails, fails the run."""
    keys = keys_of(workshop)
    per_question = []
    for row in _shown(rows, "answering" if generate else "searching"):
        result = _search(workshop, row, keys)
        result |= _answer(workshop, row) if generate else _answerable(workshop, row)
        if compare:
            result["no_retrieval"] = ask_without_documents(workshop, row)
        per_question.append(result)
    return per_question


def _search(workshop: Workshop, row: TestQuestion, keys: dict[str, str]) -> dict[str, Any]:
    started = time.perf_counter()
    query, vector = workshop.retriever.understand(row.question, row.history)
    ranked = workshop.retriever.rank(query, vector, row.asked.audience)
    searched_ms = (time.perf_counter() - started) * 1000
    return {
        "id": row.id,
        "question": row.question,
        "answers": list(row.answers),
        "doc_ids": list(row.doc_ids),
        "answerable": row.answerable,
        "retrieved": list(dict.fromkeys(keys[hit.chunk.document_id] for hit, _ in ranked))[:DEPTH],
        "search_ms": round(searched_ms, 1),
    }


def _answerable(workshop: Workshop, row: TestQuestion) -> dict[str, Any]:
    found = workshop.retriever.retrieve(row.question, row.history, row.asked.audience)
    return {"probability": answerable.probability(answerable.features(found))}


def _answer(workshop: Workshop, row: TestQuestion) -> dict[str, Any]:
    pipeline = workshop.pipeline  # built by the first question: no asker waits for that
    watch = FirstText()
    draft = pipeline.answer(row.asked, watch)
    said = as_json(draft)
    return {
        **said,
        "first_text_ms": round(watch.milliseconds or draft.timings_ms["total"], 2),
        "probability": draft.scores.get("answerable", 0.0),
        **judge(row, draft.text, said["direct"], draft.outcome is not Outcome.ANSWERED),
    }


class FirstText:
    """Looks on as an asker would, and notes when there was something to read; None if only the whole answer was."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.milliseconds: float | None = None

    def __call__(self, stage: Stage, text: str = "", sources: Sequence[CitedSource] | None = None) -> None:
        if text and self.milliseconds is None:
            self.milliseconds = (time.perf_counter() - self._started) * 1000


def as_json(draft: AnswerDraft) -> dict[str, Any]:
    """An answer for a script; `direct` is what stands alone as the reply."""
    return {
        "text": draft.text,
        "direct": direct_line(draft.text),
        "outcome": draft.outcome.value,
        "confidence": draft.confidence.value,
        "reason": draft.reason,
        "decision": asdict(draft.decision),
        "hint": draft.hint,
        "sources": [
            {
                "number": source.number,
                "cited": source.cited,
                "document_id": source.passage.document_id,
                "title": source.passage.title,
                "headings": list(source.passage.headings),
                "url": source.passage.url,
                "score": round(source.passage.score, 4),
            }
            for source in draft.sources
        ],
        "model": draft.model,
        "usage": asdict(draft.usage),
        "index_version": draft.index_version,
        "timings_ms": draft.timings_ms,
        "scores": {name: round(score, 4) for name, score in draft.scores.items()},
    }


def _shown(rows: Sequence[TestQuestion], title: str) -> Iterator[TestQuestion]:
    with progress_bar(title) as progress:
        for done, row in enumerate(rows):
            progress(done, len(rows), row.id)
            yield row
        progress(len(rows), len(rows), "")
