"""Say a question so that it can be searched alone: follow-ups take up what they refer to."""

from __future__ import annotations

from collections.abc import Sequence

from answerloop.domain import Turn
from answerloop.followups import leans


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question, behind the earlier questions that it leans on: back to the first that stands alone."""
    if not history or not leans(question):
        return question
    return f"{standalone(history[-1].question, history[:-1])} {question}"
