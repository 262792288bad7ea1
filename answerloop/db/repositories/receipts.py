"""That something was erased, without what it was; and what of it still has to be done elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import ReceiptRow
from answerloop.db.repositories import posts
from answerloop.db.repositories.emptied import Erased
from answerloop.db.tables import DeliveryRow, NoticeRow, new_id, now

CHATS, TASKS, INDEX, LOGS, DATASETS, JOURNAL = "chats", "tasks", "index", "logs", "datasets", "journal"
"""What may be unfinished: messages in chats, tasks of reviewers, chunks of the index, lines of logs, files that
adapters were trained on, the database's own journal."""

RETENTION = "retention"
"""The kind of what goes by its age alone."""


@dataclass(frozen=True, slots=True)
class Receipt:
    id: str
    kind: str
    counts: dict[str, int]
    unfinished: dict[str, int]
    created_at: datetime
    finished_at: datetime | None


def write(session: Session, kind: str, subject: str, erased: Erased, asked_by: str) -> Receipt:
    """`subject` is a keyed hash."""
    unfinished: dict[str, Any] = {
        CHATS: sorted(erased.questions),
        TASKS: [list(task) for task in sorted(erased.tasks)],
        INDEX: [[*document, ""] for document in sorted(erased.documents)],
        LOGS: sorted(erased.marks),
        DATASETS: sorted(erased.datasets),
        JOURNAL: True,
    }
    row = ReceiptRow(
        id=new_id(),
        kind=kind,
        subject=subject,
        counts={name: count for name, count in sorted(erased.counts.items()) if count},
        unfinished={name: left for name, left in unfinished.items() if left},
        asked_by=asked_by,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return _receipt(row)


def get(session: Session, receipt_id: str) -> Receipt | None:
    row = session.get(ReceiptRow, receipt_id)
    return _receipt(row) if row else None


def asked_for(session: Session) -> list[tuple[str, str, str, datetime]]:
    """Id, kind, keyed hash of the subject and time of the erasures that somebody asked for: those repeat themselves
    that age brings about."""
    rows = session.scalars(select(ReceiptRow).where(ReceiptRow.kind != RETENTION).order_by(ReceiptRow.created_at))
    return [(row.id, row.kind, row.subject, row.created_at) for row in rows]


def unfinished(session: Session) -> list[str]:
    return list(session.scalars(select(ReceiptRow.id).where(ReceiptRow.finished_at.is_(None))))


def tasks_to_withdraw(session: Session, receipt_id: str) -> list[tuple[str, str]]:
    """The tasks of reviewers, each with its project, that are still to be taken away."""
    row = session.get(ReceiptRow, receipt_id)
    return [(project, task) for project, task in row.unfinished.get(TASKS, ())] if row else []


def tasks_withdrawn(session: Session, receipt_id: str, tasks: list[tuple[str, str]]) -> None:
    """These are gone."""
    row = session.get_one(ReceiptRow, receipt_id, with_for_update=True)
    gone = set(tasks)
    _leave(row, TASKS, [task for task in row.unfinished.get(TASKS, ()) if tuple(task) not in gone])


def documents_to_forget(session: Session, receipt_id: str) -> list[tuple[str, str]]:
    """Tenant and id of the documents whose chunks are still to be taken from the index."""
    row = session.get(ReceiptRow, receipt_id)
    return [(tenant, document) for tenant, document, _ in row.unfinished.get(INDEX, ())] if row else []


def document_forgotten(session: Session, receipt_id: str, document_id: str, old_versions: timedelta) -> None:
    """Its chunks are gone. Only a second time, when no old version of the index has them any more, it is done."""
    row = session.get_one(ReceiptRow, receipt_id, with_for_update=True)
    left = []
    for tenant, document, since in row.unfinished.get(INDEX, ()):
        if document != document_id:
            left.append([tenant, document, since])
        elif not since or datetime.fromisoformat(since) > now() - old_versions:
            left.append([tenant, document, since or now().isoformat()])
    _leave(row, INDEX, left)


def chats_left(session: Session, receipt_id: str, patience: timedelta) -> None:
    """Forget where the messages were that are gone by now, or never will be."""
    row = session.get_one(ReceiptRow, receipt_id, with_for_update=True)
    left, given_up = [], 0
    late = row.created_at < now() - patience
    for question_id in row.unfinished.get(CHATS, ()):
        delivery = session.get(DeliveryRow, question_id)
        notices = session.scalars(select(NoticeRow).where(NoticeRow.question_id == question_id)).all()
        waiting = [each for each in (delivery, *notices) if each is not None and not posts.is_settled(each)]
        if waiting and not late:
            left.append(question_id)
            continue
        given_up += bool(waiting)
        session.execute(delete(NoticeRow).where(NoticeRow.question_id == question_id))
        session.execute(delete(DeliveryRow).where(DeliveryRow.question_id == question_id))
    if given_up:
        row.counts = dict(Counter(row.counts) + Counter(messages_left_in_chats=given_up))
    _leave(row, CHATS, left)


def log_marks(session: Session, receipt_id: str) -> list[str]:
    """What lines of logs may carry of it: kept no longer than until they are blanked."""
    row = session.get(ReceiptRow, receipt_id)
    return list(row.unfinished.get(LOGS, ())) if row else []


def datasets_to_delete(session: Session, receipt_id: str) -> list[str]:
    row = session.get(ReceiptRow, receipt_id)
    return list(row.unfinished.get(DATASETS, ())) if row else []


def done(session: Session, receipt_id: str, what: str) -> None:
    _leave(session.get_one(ReceiptRow, receipt_id, with_for_update=True), what, None)


def _leave(row: ReceiptRow, name: str, left: Any) -> None:
    rest = {key: value for key, value in row.unfinished.items() if key != name}
    row.unfinished = rest | ({name: left} if left else {})
    if not row.unfinished:
        row.finished_at = row.finished_at or now()


def _receipt(row: ReceiptRow) -> Receipt:
    left = {name: len(value) if isinstance(value, list) else 1 for name, value in row.unfinished.items()}
    return Receipt(row.id, row.kind, dict(row.counts), left, row.created_at, row.finished_at)
