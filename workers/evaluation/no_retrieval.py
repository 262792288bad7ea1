"""What retrieval brings: the same questions to the language model without any document, question by question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from answerloop import metrics
from answerloop.domain import Message
from answerloop.ports import GenerationRequest
from answerloop.text import words
from workers.answering.rewrite import standalone
from workers.evaluation.judge import direct_line, judge
from workers.evaluation.questions import TestQuestion
from workers.evaluation.summary import SEED, mean, share, with_golds
from workers.wiring import Workshop

SYSTEM = (
    "You answer an employee's question about their company. Reply with the shortest phrase that answers the question, "
    "and nothing else. If you do not know the answer, reply: I don't know."
)
REFUSALS = (
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "i don't have",
    "i do not have",
    "i'm unable to",
    "i am unable to",
    "i can't",
    "i cannot",
    "i'm sorry",
    "as an ai",
)


def ask_without_documents(workshop: Workshop, row: TestQuestion) -> dict[str, Any]:
    """The query that the retriever would get, the same number of tokens, no guard. Raises GeneratorUnavailable."""
    settings = workshop.settings
    messages = [
        Message("system", SYSTEM),
        Message("user", f"Question: {standalone(row.question, row.history)}\nAnswer:"),
    ]
    deadline = time.monotonic() + settings.answer_deadline_seconds
    text = "".join(
        workshop.language_model.generate(
            GenerationRequest(messages, row.question, (), settings.max_new_tokens, deadline)
        )
    ).strip()
    abstained = declines(text)
    return {"text": text, "abstained": abstained, **judge(row, text, direct_line(text), abstained)}


def declines(text: str) -> bool:
    """Whether the model says that it does not know, anywhere in its text, or says nothing."""
    said = " ".join(words(text.replace("’", "'")))
    return not said or any(f" {phrase} " in f" {said} " for phrase in REFUSALS)


def comparison(per_question: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """With and without retrieval, paired: correct and F1 over the answerable questions, hallucinated over all that
    can be judged. `difference` is with minus without."""
    golds = with_golds(per_question)
    judged = [row for row in per_question if row["hallucinated"] is not None]
    result: dict[str, Any] = {}
    for name, rows, estimate in (("correct", golds, share), ("f1", golds, mean), ("hallucinated", judged, share)):
        if rows:
            ours, bare = [row[name] for row in rows], [row["no_retrieval"][name] for row in rows]
            difference = metrics.paired_difference(ours, bare, SEED).as_dict()
            result[name] = {"with": estimate(ours), "without": estimate(bare), "difference": difference}
    return result
