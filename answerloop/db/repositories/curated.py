"""Approved corrections in force: served to whoever asks the same, as long as every document of them is as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, undefer

from answerloop.auditing import Withdrawal
from answerloop.db.audit_tables import AlarmRow, CorrectionRow, CuratedRow
from answerloop.db.repositories import documents
from answerloop.db.tables import DocumentRow, now
from answerloop.domain import Audience
from answerloop.errors import CuratedWithdrawn


def content_hash(title: str, text: str) -> str:
    """Changes with every word of a document, and with nothing else: not with its readers, nor with our embedder."""
    return hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()


# --- coming into force and out of it ---------------------------------------------------------------------------------


def put_in_force(
    session: Session, correction_id: str, tenant: str, question: str, text: str, document_hashes: Mapping[str, str],
    lasts: timedelta,
) -> None:  # fmt: skip
    """Once; a correction that was withdrawn comes back as another one. Without a question: for its own answer alone."""
    if session.get(CuratedRow, correction_id) is None:
        session.add(
            CuratedRow(
                correction_id=correction_id,
                tenant=tenant,
                question=question,
                text=text,
                documents=dict(document_hashes),
                expires_at=now() + lasts,
            )
        )


def withdraw(session: Session, correction_id: str, because: Withdrawal) -> None:
    row = session.get(CuratedRow, correction_id)
    if row is not None and row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_because = now(), because


# --- looking for one -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """One in force, as it is compared with questions. `vector` is float32, by `embedder`; none before it was made."""

    correction_id: str
    tenant: str
    question: str
    embedder: str
    vector: bytes | None


def version(session: Session) -> tuple[int, datetime | None]:
    """Changes when one comes into force or goes out of it."""
    count, latest = session.execute(
        select(func.count(CuratedRow.correction_id), func.max(CuratedRow.updated_at)).where(
            CuratedRow.withdrawn_at.is_(None)
        )
    ).one()
    return count, latest


def kept(session: Session) -> list[Kept]:
    rows = session.execute(
        select(CuratedRow.correction_id, CuratedRow.tenant, CuratedRow.question, CuratedRow.embedder, CuratedRow.vector)
        .where(CuratedRow.withdrawn_at.is_(None), CuratedRow.expires_at > now(), CuratedRow.question != "")
        .order_by(CuratedRow.correction_id)
    )
    return [Kept(*row) for row in rows]


def store_vector(session: Session, correction_id: str, embedder: str, vector: bytes) -> None:
    """It is derived from the question, so nothing has changed for whoever keeps one already."""
    session.execute(
        update(CuratedRow)
        .where(CuratedRow.correction_id == correction_id)
        .values(embedder=embedder, vector=vector, updated_at=CuratedRow.updated_at)
    )


# --- serving ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ground:
    """A document that a correction stands on, as it is right now."""

    document_id: str
    title: str
    text: str
    url: str | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Approved:
    correction_id: str
    text: str
    grounds: tuple[Ground, ...]


def in_force_for(
    session: Session, correction_id: str, audience: Audience, sources: Collection[str] = ()
) -> Approved | None:
    """The answer, if it may be given to this audience right now: in force, every document of it readable by everybody,
    of these sources (where some are named), unchanged, and not replaced by a newer one."""
    row = session.get(CuratedRow, correction_id)
    if row is None or row.tenant != audience.tenant or row.withdrawn_at is not None or row.expires_at <= now():
        return None
    grounds = readable_grounds(session, row.documents, audience, sources)
    return Approved(correction_id, row.text, grounds) if grounds else None


def readable_grounds(
    session: Session, document_hashes: Mapping[str, str], audience: Audience, sources: Collection[str] = ()
) -> tuple[Ground, ...]:
    """All these documents, in this order; none at all when one of them is not as it was or may not be read."""
    readable = documents.still_readable(session, audience, document_hashes.keys(), sources)
    if set(readable) != set(document_hashes):
        return ()
    return _as_approved(session, document_hashes)


def grounds(session: Session, tenant: str, document_ids: Collection[str]) -> tuple[Ground, ...]:
    """Those of these documents that are there and current, whoever may read them: to judge a correction by."""
    rows = {row.id: row for row in _with_text(session, document_ids) if row.tenant == tenant and not row.superseded}
    return tuple(_ground(rows[document_id]) for document_id in document_ids if document_id in rows)


def _as_approved(session: Session, document_hashes: Mapping[str, str]) -> tuple[Ground, ...]:
    """None at all when one of them is gone, replaced by a newer one, or says something else now."""
    rows = {row.id: row for row in _with_text(session, document_hashes) if not row.superseded}
    same = (content_hash(row.title, row.text) == document_hashes[row.id] for row in rows.values())
    if len(rows) < len(document_hashes) or not all(same):
        return ()
    return tuple(_ground(rows[document_id]) for document_id in document_hashes)


def _with_text(session: Session, document_ids: Collection[str]) -> list[DocumentRow]:
    wanted = select(DocumentRow).where(DocumentRow.id.in_(document_ids)).options(undefer(DocumentRow.text))
    return list(session.scalars(wanted.execution_options(populate_existing=True)))


def _ground(row: DocumentRow) -> Ground:
    return Ground(row.id, row.title, row.text, row.url, row.modified_at)


def count_served(session: Session, correction_id: str) -> None:
    """One more person has been given it. Raises CuratedWithdrawn when it is out of force by now."""
    served = session.execute(
        update(CuratedRow)
        .where(CuratedRow.correction_id == correction_id, CuratedRow.withdrawn_at.is_(None))
        .values(served=CuratedRow.served + 1, served_at=now(), updated_at=CuratedRow.updated_at)
    )
    if served.rowcount != 1:  # type: ignore[attr-defined]
        raise CuratedWithdrawn("The approved answer was withdrawn a moment ago.")


# --- upkeep ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ageing:
    """One in force whose time is over or will be soon, or whose documents are not what they were."""

    correction_id: str
    answer_id: str
    expires_at: datetime
    changed: bool


Hashes: TypeAlias = "dict[tuple[str, str, str, datetime], str]"
"""Of documents by id, title, content hash and the time they were indexed: what was read need not be read again."""


def ageing(session: Session, warn_before: timedelta, known: Hashes) -> list[Ageing]:
    rows = session.execute(
        select(CuratedRow, CorrectionRow.answer_id)
        .join(CorrectionRow, CorrectionRow.id == CuratedRow.correction_id)
        .where(CuratedRow.withdrawn_at.is_(None))
        .order_by(CuratedRow.correction_id)
    ).all()
    current = _current_hashes(session, {document for row, _ in rows for document in row.documents}, known)
    found = [
        Ageing(
            row.correction_id,
            answer_id,
            row.expires_at,
            any(current.get(document) != approved for document, approved in row.documents.items()),
        )
        for row, answer_id in rows
    ]
    return [each for each in found if each.changed or each.expires_at <= now() + warn_before]


def _current_hashes(session: Session, document_ids: Collection[str], known: Hashes) -> dict[str, str]:
    """Of those that are there and not superseded. A document that is being read in right now is told of when it is."""
    wanted = select(DocumentRow.id, DocumentRow.title, DocumentRow.content_hash, DocumentRow.indexed_at).where(
        DocumentRow.id.in_(document_ids), DocumentRow.superseded.is_(False)
    )
    keys = {row.id: (row.id, row.title, row.content_hash, row.indexed_at) for row in session.execute(wanted)}
    unread = [document_id for document_id, key in keys.items() if key not in known]
    for row in _with_text(session, unread) if unread else ():
        known[keys[row.id]] = content_hash(row.title, row.text)
    for gone in known.keys() - set(keys.values()):
        del known[gone]
    return {document_id: known[key] for document_id, key in keys.items() if key in known}


def was_sounded(session: Session, alarm: str) -> bool:
    """Whether there has been this alarm, also when somebody has cleared it."""
    return session.get(AlarmRow, alarm) is not None
