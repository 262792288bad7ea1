"""What there is to be judged, and what has come of it in our database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import insert, select

from answerloop.auditing import Priority
from answerloop.db.audit_tables import AuditRow, VerdictRow
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, ConversationRow, OutboxRow, QuestionRow, new_id, now

ANSWER = (
    "Every employee with at least six months of service gets 90 days of paid parental leave for each child; it may be "
    "taken in up to three parts within two years. "
)


def open_audits(database: Database, number: int) -> list[str]:
    """So many answers that wait for their reviewer, as long as real ones are; their audits."""
    with database.writing() as session:
        talk = ConversationRow(channel="web", key="bench", tenant="default", owner="dana", title="")
        session.add(talk)
        session.flush()
        ids = [new_id() for _ in range(number)]
        common = {"channel": "web", "tenant": "default", "asker": "dana", "state": "answered", "sources": []}
        questions = [
            {"id": each, "conversation_id": talk.id, "text": f"Question {place}: how many days?", **common}
            for place, each in enumerate(ids)
        ]
        answers = [
            {
                "id": each,
                "question_id": each,
                "text": ANSWER * 3,
                "masked_question": f"Question {place}: how many days of parental leave does <PERSON_1> get?",
                "masked_text": ANSWER * 3,
                "outcome": "answered",
                "confidence": "sure",
                "model": "reader",
                "finished_at": now(),
            }
            for place, each in enumerate(ids)
        ]
        audits = [{"id": each, "answer_id": each, "priority": Priority.SAMPLE} for each in ids]
        session.execute(insert(QuestionRow), questions)
        session.execute(insert(AnswerRow), answers)
        session.execute(insert(AuditRow), audits)
        return ids


def tasks(database: Database) -> dict[str, str]:
    """Audit → its task, of those that have one."""
    with database.reading() as session:
        rows = session.execute(select(AuditRow.id, AuditRow.task).where(AuditRow.task.is_not(None))).all()
    return {audit: str(task) for audit, task in rows}


def verdicts(database: Database) -> Counter[str]:
    """Audit → verdicts that stand."""
    with database.reading() as session:
        return Counter(session.scalars(select(VerdictRow.audit_id).where(VerdictRow.withdrawn_at.is_(None))))


def jobs(database: Database) -> Counter[str]:
    """Audit → jobs that were written for it."""
    with database.reading() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.task == "review.judge"))
        return Counter(str(row.args[0]) for row in rows)


def agree(there: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Whether every task that stands there is the one that we know of its audit; `there`: task → audit."""
    return all(ours.get(audit) == task for task, audit in there.items())
