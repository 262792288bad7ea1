"""What reviewers say of answers, and who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from answerloop.db.audit_tables import AuditRow, ReviewerRow, SampleRow, VerdictRow


@dataclass(frozen=True, slots=True)
class KnownReviewer:
    id: str
    people: frozenset[str]
    active: bool


def reviewers(session: Session) -> tuple[KnownReviewer, ...]:
    rows = session.scalars(select(ReviewerRow).order_by(ReviewerRow.id))
    return tuple(KnownReviewer(row.id, frozenset(map(str, row.people)), row.active) for row in rows)


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """`documents` as the reviewer named them: numbers of the answer's sources, or ids."""

    reviewer: str
    origin: str
    verdict: str
    grounded: str
    faults: tuple[str, ...]
    correction: str
    edited: bool
    documents: tuple[int | str, ...]
    missing_document: str
    submitted_at: datetime
    updated_at: datetime


def current(session: Session, audit_id: str) -> tuple[GivenVerdict, ...]:
    """Those that stand, and were given since the audit was opened the last time."""
    rows = session.scalars(
        select(VerdictRow)
        .join(AuditRow, VerdictRow.audit_id == AuditRow.id)
        .where(VerdictRow.audit_id == audit_id, VerdictRow.withdrawn_at.is_(None))
        .where(AuditRow.reopened_at.is_(None) | (VerdictRow.taken_at > AuditRow.reopened_at))
        .order_by(VerdictRow.submitted_at, VerdictRow.id)
    )
    return tuple(_given(row) for row in rows)


def has_judged(session: Session, audit_id: str) -> frozenset[str]:
    """Whoever has ever judged it, also who took it back."""
    return frozenset(session.scalars(select(VerdictRow.reviewer).where(VerdictRow.audit_id == audit_id)))


def audits_of(session: Session, reviewer: str) -> list[str]:
    """The audits that this account has a verdict on: to be judged anew when we learn who it is, or stop trusting it."""
    judged = select(VerdictRow.audit_id).where(VerdictRow.reviewer == reviewer, VerdictRow.withdrawn_at.is_(None))
    return list(session.scalars(judged.distinct()))


def _given(row: VerdictRow) -> GivenVerdict:
    return GivenVerdict(
        reviewer=row.reviewer,
        origin=row.origin,
        verdict=row.verdict,
        grounded=row.grounded,
        faults=tuple(map(str, row.faults)),
        correction=row.correction or "",
        edited=row.edited,
        documents=tuple(row.documents),
        missing_document=row.missing_document.strip(),
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
    )


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    audit_id: str
    reviewer: str
    topic: str
    verdict: str


def ratings(session: Session, since: datetime | None = None) -> list[RatedAnswer]:
    """Every standing verdict, of known reviewers by their own name, with the topic of its question."""
    statement = (
        select(VerdictRow.audit_id, VerdictRow.reviewer, SampleRow.topic, VerdictRow.verdict)
        .join(AuditRow, VerdictRow.audit_id == AuditRow.id)
        .outerjoin(SampleRow, SampleRow.answer_id == AuditRow.answer_id)
        .where(VerdictRow.withdrawn_at.is_(None))
        .order_by(VerdictRow.audit_id, VerdictRow.submitted_at)
    )
    if since is not None:
        statement = statement.where(VerdictRow.submitted_at >= since)
    names = _own_names(reviewers(session))
    return [
        RatedAnswer(audit, names.get(reviewer.casefold(), reviewer), topic or "", verdict)
        for audit, reviewer, topic, verdict in session.execute(statement)
    ]


def _own_names(known: tuple[KnownReviewer, ...]) -> Mapping[str, str]:
    return {name.casefold(): reviewer.id for reviewer in known for name in (*reviewer.people, reviewer.id)}
