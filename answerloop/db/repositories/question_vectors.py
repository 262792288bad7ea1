"""The vectors of masked questions: for novelty, themes and near duplicates."""

from __future__ import annotations

from sqlalchemy.orm import Session

from answerloop.db.audit_tables import QuestionVectorRow


def store(session: Session, question_id: str, embedder: str, vector: bytes) -> None:
    """`vector` is a unit row, float32 in little-endian order. A second one replaces the first."""
    session.merge(QuestionVectorRow(question_id=question_id, embedder=embedder, vector=vector))
