"""One answer, whoever gave it, against what its question holds for right."""

from __future__ import annotations

from typing import Any

from answerloop import metrics
from workers.evaluation.questions import TestQuestion


def judge(row: TestQuestion, text: str, direct: str, abstained: bool) -> dict[str, Any]:
    """`correct`, `f1` of the direct answer (None without gold answers) and `hallucinated`.

    **Hallucinated** means: something was said, and it is wrong. Where the documents answer the question, that is
    whatever was said and is not correct (`metrics.is_correct`); where they do not, it is anything said at all. Who
    abstains never hallucinates. An answerable question without gold answers cannot be judged: None.
    """
    correct = metrics.is_correct(text, row.answers, abstained)
    judgeable = bool(row.answers) or not row.answerable
    return {
        "correct": correct,
        "f1": metrics.f1(direct, row.answers) if row.answers else None,
        "hallucinated": not abstained and not (row.answerable and correct) if judgeable else None,
    }


def direct_line(text: str) -> str:
    """What stands alone as the reply: the first line, without citations and emphasis."""
    return metrics.without_citations(text.split("\n", maxsplit=1)[0].strip("* "))
