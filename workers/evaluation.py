"""`answerloop evaluate`: anyone's own documents and questions through the real pipeline, in a throw-away index.

Every question is asked with the rights of its own `groups` (default: everyone), in its own tenant.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from answerloop import metrics
from answerloop.cli.console import progress_bar
from answerloop.db.repositories import documents
from answerloop.domain import EVERYONE, PUBLIC, AnswerDraft, Audience, Outcome, Turn
from answerloop.errors import ConfigurationError
from answerloop.metrics import Estimate
from answerloop.settings import Settings
from workers.answering import answerable
from workers.answering.pipeline import Asked
from workers.wiring import Workshop

SEED = 20261123
DEPTH = 10


@dataclass(frozen=True, slots=True)
class TestQuestion:
    """A row of questions.jsonl."""

    id: str
    question: str
    answers: tuple[str, ...]
    doc_ids: tuple[str, ...]
    answerable: bool
    tenant: str
    groups: frozenset[str]
    history: tuple[Turn, ...]

    @property
    def asked(self) -> Asked:
        return Asked(self.question, self.history, Audience.of_person(self.tenant, self.groups))


def evaluate(
    settings: Settings, documents_path: Path, questions_path: Path, *, limit: int | None, generate: bool
) -> dict[str, Any]:
    """Retrieval, answers and abstention, each figure with its interval. A question that fails, fails the run."""
    rows = read_questions(questions_path, settings.tenant)[:limit]
    with throwaway(settings, documents_path) as workshop:
        keys = keys_of(workshop)
        per_question = [
            _one(workshop, row, keys, generate) for row in _shown(rows, "answering" if generate else "searching")
        ]
    return {
        "settings": {"generator": settings.generator, "model": settings.model, "embedder": settings.embedder},
        **summary(per_question, generate),
        "per_question": per_question,
    }


def summary(per_question: Sequence[dict[str, Any]], generate: bool) -> dict[str, Any]:
    """The figures over all questions."""
    found = [row for row in per_question if row["doc_ids"]]
    result: dict[str, Any] = {"retrieval": {}, "answers": {"n": 0}, "abstention": {}}
    if found:
        ranks = [(row["retrieved"], row["doc_ids"]) for row in found]
        for k in (1, 5, 10):
            result["retrieval"][f"recall@{k}"] = _mean([metrics.recall_at(got, gold, k) for got, gold in ranks])
        result["retrieval"]["mrr@10"] = _mean([metrics.reciprocal_rank(got, gold, 10) for got, gold in ranks])
    labels = [row["answerable"] for row in per_question]
    if True in labels and False in labels:
        scores = [row["probability"] for row in per_question]
        result["abstention"]["auroc"] = metrics.auroc_estimate(scores, labels, SEED).as_dict()
    if generate:
        result["answers"] = _answers([row for row in per_question if row["answerable"] and row["answers"]])
        counts = metrics.abstention_counts([row["outcome"] == Outcome.ANSWERED for row in per_question], labels)
        result["abstention"] |= {name: metrics.proportion(*pair).as_dict() for name, pair in counts.items()}
    return result


def _answers(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not rows:
        return {"n": 0}
    direct = [row["direct"] for row in rows]
    golds = [row["answers"] for row in rows]
    return {
        "n": len(rows),
        "correct": metrics.proportion(sum(row["correct"] for row in rows), len(rows)).as_dict(),
        "exact_match": _mean([metrics.exact_match(text, gold) for text, gold in zip(direct, golds, strict=True)]),
        "f1": _mean([metrics.f1(text, gold) for text, gold in zip(direct, golds, strict=True)]),
        "rouge_l": _mean([metrics.rouge_l(text, gold) for text, gold in zip(direct, golds, strict=True)]),
        "bleu": Estimate(bleu := metrics.bleu(direct, golds), bleu, bleu, len(rows)).as_dict(),
        "seconds": _mean([row["timings_ms"]["total"] / 1000 for row in rows]),
    }


def _mean(values: Sequence[float]) -> dict[str, float]:
    return metrics.mean(values, SEED).as_dict()


def _one(workshop: Workshop, row: TestQuestion, keys: dict[str, str], generate: bool) -> dict[str, Any]:
    started = time.perf_counter()
    retriever = workshop.retriever
    query, vector = retriever.understand(row.question, row.history)
    ranked = retriever.rank(query, vector, row.asked.audience)
    searched_ms = (time.perf_counter() - started) * 1000
    result = {
        "id": row.id,
        "question": row.question,
        "answers": list(row.answers),
        "doc_ids": list(row.doc_ids),
        "answerable": row.answerable,
        "retrieved": list(dict.fromkeys(keys[hit.chunk.document_id] for hit, _ in ranked))[:DEPTH],
        "search_ms": round(searched_ms, 1),
    }
    if not generate:
        found = retriever.retrieve(row.question, row.history, row.asked.audience)
        return result | {"probability": answerable.probability(answerable.features(found))}
    draft = workshop.pipeline.answer(row.asked, lambda stage, text="", sources=None: None)
    abstained = draft.outcome is not Outcome.ANSWERED
    return (
        result
        | as_json(draft)
        | {
            "probability": draft.scores.get("answerable", 0.0),
            "correct": bool(row.answers) and metrics.is_correct(draft.text, row.answers, abstained),
        }
    )


def as_json(draft: AnswerDraft) -> dict[str, Any]:
    """An answer for a script; `direct` is what stands alone as the reply."""
    return {
        "text": draft.text,
        "direct": metrics.without_citations(draft.text.split("\n")[0].strip("* ")),
        "outcome": draft.outcome.value,
        "confidence": draft.confidence.value,
        "reason": draft.reason,
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


# --- the throw-away installation -------------------------------------------------------------------------------------


@contextmanager
def throwaway(settings: Settings, documents_path: Path) -> Iterator[Workshop]:
    """An installation in a temporary folder with these documents indexed; the models are the real ones."""
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder:
        temporary = settings.model_copy(
            update={"home": Path(folder), "database_url": "", "models_folder": settings.effective_models_folder}
        )
        workshop = Workshop(temporary, "evaluate")
        workshop.database.migrate()
        source = workshop.indexer.register(documents_path, settings.tenant, ())
        with progress_bar("indexing") as progress:
            report = workshop.indexer.sync(source, progress)
        if not report.indexed:
            raise ConfigurationError(
                f"{documents_path}: nothing could be indexed; first problem: {_first(report.rejected)}"
            )
        yield workshop
        workshop.close()


def _first(problems: dict[str, str]) -> str:
    return next((f"{key}: {reason}" for key, reason in problems.items()), "no documents")


def keys_of(workshop: Workshop) -> dict[str, str]:
    """The questions' names of documents, by our ids."""
    with workshop.database.reading() as session:
        source = documents.sources(session)[0]
        return {row.id: row.key for row in documents.of_source(session, source.id).values()}


def read_questions(path: Path, default_tenant: str) -> list[TestQuestion]:
    """Raises ConfigurationError that names the line."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            rows.append(
                TestQuestion(
                    id=str(row["id"]),
                    question=str(row["question"]),
                    answers=tuple(row.get("answers") or ()),
                    doc_ids=tuple(row.get("doc_ids") or ()),
                    answerable=bool(row.get("answerable", True)),
                    tenant=str(row.get("tenant") or default_tenant),
                    groups=frozenset(row.get("groups") or (EVERYONE,)) | {PUBLIC},
                    history=tuple(Turn(t["question"], t["answer"]) for t in row.get("history") or ()),
                )
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{path}, line {number} is not a question: {error!r}") from None
    if not rows:
        raise ConfigurationError(f"{path} holds no questions.")
    return rows


def _shown(rows: Sequence[TestQuestion], title: str) -> Iterator[TestQuestion]:
    with progress_bar(title) as progress:
        for done, row in enumerate(rows):
            progress(done, len(rows), row.id)
            yield row
        progress(len(rows), len(rows), "")
