"""Questions for which a person was asked, and who took care of them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from answerloop.db.tables import EscalationRow, now
from answerloop.domain import Escalation


def ask(session: Session, question_id: str, person: str) -> bool:
    """False when somebody has asked already."""
    if session.get(EscalationRow, question_id) is not None:
        return False
    session.add(EscalationRow(question_id=question_id, asked_by=person))
    session.flush()
    return True


def resolve(session: Session, question_id: str, person: str) -> bool:
    """False when nobody has asked, or it is resolved already."""
    row = session.get(EscalationRow, question_id)
    if row is None or row.resolved_by is not None:
        return False
    row.resolved_by, row.resolved_at = person, now()
    return True


def of_question(session: Session, question_id: str) -> Escalation | None:
    row = session.get(EscalationRow, question_id)
    return Escalation(row.asked_by, row.resolved_by) if row else None
