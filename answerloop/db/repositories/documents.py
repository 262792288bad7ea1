"""Sources, documents and who may read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session, undefer

from answerloop.db.tables import DocumentRow, ReaderSetRow, SourceRow, now
from answerloop.domain import EVERYONE, PUBLIC, Audience

# --- reader sets -----------------------------------------------------------------------------------------------------


def reader_set(session: Session, tenant: str, groups: Iterable[str]) -> int:
    """The number of this set of groups, made on first use."""
    canonical = sorted(set(groups))
    key = hashlib.sha256(json.dumps(canonical).encode()).hexdigest()
    found = session.scalar(select(ReaderSetRow.id).where(ReaderSetRow.tenant == tenant, ReaderSetRow.key == key))
    if found is not None:
        return found
    row = ReaderSetRow(tenant=tenant, key=key, groups=canonical)
    session.add(row)
    session.flush()
    return row.id


def readable_sets(session: Session, audience: Audience) -> frozenset[int]:
    """The reader sets whose documents every member of the audience may read."""
    rows = session.execute(select(ReaderSetRow.id, ReaderSetRow.groups).where(ReaderSetRow.tenant == audience.tenant))
    return frozenset(number for number, groups in rows if audience.may_read(frozenset(groups)))


def reads_anything(session: Session, audience: Audience) -> bool:
    """Whether there is any document at all that this audience may read."""
    there = select(DocumentRow.id).where(
        DocumentRow.tenant == audience.tenant, DocumentRow.reader_set_id.in_(readable_sets(session, audience))
    )
    return session.scalar(there.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a document right now. It is restricted when not everybody of the company may read it; the company
    may mark it, such as "Confidential"."""

    modified_at: datetime | None
    trusted: bool
    restricted: bool
    sensitivity: str


def still_readable(
    session: Session, audience: Audience, document_ids: Collection[str], sources: Collection[str] = ()
) -> dict[str, Standing]:
    """Which of these documents exist and may be read right now, whatever the index said a moment ago; only those of
    these sources (their locations), where some are named."""
    row = DocumentRow
    wanted = (
        select(row.id, row.modified_at, row.trusted, row.sensitivity, ReaderSetRow.groups)
        .join(ReaderSetRow, DocumentRow.reader_set_id == ReaderSetRow.id)
        .where(DocumentRow.id.in_(document_ids), DocumentRow.tenant == audience.tenant)
    )
    if sources:
        wanted = wanted.join(SourceRow, DocumentRow.source_id == SourceRow.id).where(SourceRow.location.in_(sources))
    rows = session.execute(wanted)
    return {
        document: Standing(modified, trusted, {EVERYONE, PUBLIC}.isdisjoint(groups), sensitivity)
        for document, modified, trusted, sensitivity, groups in rows
        if audience.may_read(frozenset(groups))
    }


def may_leave(session: Session, tenant: str, document_ids: Collection[str], settled_before: datetime) -> frozenset[str]:
    """Which of these documents models outside the house may be shown right now. Not one whose index may hold another
    text than its row tells of, also of a search that began before it was written: it has to be settled since then. A
    source that says no is heard at once, before its documents are read again."""
    row = DocumentRow
    found = session.scalars(
        select(row.id)
        .join(SourceRow, row.source_id == SourceRow.id)
        .where(row.id.in_(document_ids), row.tenant == tenant, row.may_leave.is_(True), row.fingerprint != "")
        .where(row.indexed_at <= settled_before, SourceRow.may_leave.is_not(False))
    )
    return frozenset(found)


# --- documents -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DocumentView:
    id: str
    key: str
    title: str
    url: str | None
    modified_at: datetime | None
    superseded: bool
    text: str


def readable_document(session: Session, document_id: str, audience: Audience) -> DocumentView | None:
    """The document with its text, or None when it does not exist or this audience may not know that it does."""
    row = session.get(DocumentRow, document_id)
    if row is None or row.tenant != audience.tenant or not audience.may_read(frozenset(row.reader_set.groups)):
        return None
    return DocumentView(row.id, row.key, row.title, row.url, row.modified_at, row.superseded, row.text)


def titles(session: Session, audience: Audience, limit: int) -> dict[str, str]:
    """The ids of current documents that this audience may read, by title; of two with one title the newer one."""
    rows = session.execute(
        select(DocumentRow.title, DocumentRow.id)
        .where(
            DocumentRow.tenant == audience.tenant,
            DocumentRow.superseded.is_(False),
            DocumentRow.reader_set_id.in_(readable_sets(session, audience)),
        )
        .order_by(DocumentRow.indexed_at.desc(), DocumentRow.id)
        .limit(limit)
    ).all()
    return {title: document_id for title, document_id in reversed(rows)}  # noqa: C416 - rows are no pairs to mypy


def of_source(session: Session, source_id: str) -> dict[tuple[str, str], DocumentRow]:
    """The indexed documents of a source, by tenant and key."""
    rows = session.scalars(select(DocumentRow).where(DocumentRow.source_id == source_id))
    return {(row.tenant, row.key): row for row in rows}


def keys(session: Session, tenant: str) -> dict[str, str]:
    """What the sources call the documents, by our ids."""
    rows = session.scalars(select(DocumentRow).where(DocumentRow.tenant == tenant))
    return {row.id: row.key for row in rows}


def ids_of_tenant(session: Session, tenant: str) -> list[str]:
    return list(session.scalars(select(DocumentRow.id).where(DocumentRow.tenant == tenant).order_by(DocumentRow.id)))


def tenants(session: Session) -> list[str]:
    """Those that have documents."""
    return list(session.scalars(select(DocumentRow.tenant).distinct().order_by(DocumentRow.tenant)))


def indexed(session: Session, tenant: str) -> set[str]:
    """The documents of which the index should hold something."""
    return set(session.scalars(select(DocumentRow.id).where(DocumentRow.tenant == tenant, DocumentRow.chunks > 0)))


def chunks_of_tenants(session: Session) -> dict[str, int]:
    """How many chunks the index should hold, by tenant."""
    counted = select(DocumentRow.tenant, func.sum(DocumentRow.chunks)).group_by(DocumentRow.tenant)
    return {tenant: chunks for tenant, chunks in session.execute(counted) if chunks}


def with_texts(session: Session, ids: Collection[str]) -> dict[str, DocumentRow]:
    """Those of these documents that there are, with their texts."""
    rows = session.scalars(select(DocumentRow).where(DocumentRow.id.in_(ids)).options(undefer(DocumentRow.text)))
    return {row.id: row for row in rows}


def with_text(session: Session, document_id: str) -> DocumentRow:
    """The document with its text, which is not loaded otherwise."""
    return session.get_one(DocumentRow, document_id, options=[undefer(DocumentRow.text)])


def count(session: Session, tenant: str | None = None) -> int:
    statement = select(func.count(DocumentRow.id))
    if tenant is not None:
        statement = statement.where(DocumentRow.tenant == tenant)
    return session.scalar(statement) or 0


def known_to(session: Session, audience: Audience) -> tuple[int, datetime | None]:
    """How many current documents this audience may read, and when the last of them was indexed."""
    found = session.execute(
        select(func.count(DocumentRow.id), func.max(DocumentRow.indexed_at)).where(
            DocumentRow.tenant == audience.tenant,
            DocumentRow.superseded.is_(False),
            DocumentRow.reader_set_id.in_(readable_sets(session, audience)),
        )
    ).one()
    return found[0], found[1]


def count_chunks(session: Session) -> int:
    return session.scalar(select(func.sum(DocumentRow.chunks))) or 0


# --- sources ---------------------------------------------------------------------------------------------------------


def register_source(
    session: Session,
    tenant: str,
    location: str,
    allow: Collection[str],
    trusted: bool | None = None,
    may_leave: bool | None = None,
) -> str:
    """The id of the source. Registering it again replaces its default readers, its trust and what it says of leaving
    the house only when they are named: a forgotten option must not open what was closed."""
    row = session.scalar(select(SourceRow).where(SourceRow.tenant == tenant, SourceRow.location == location))
    if row is None:
        row = SourceRow(tenant=tenant, location=location, allow=[])
        session.add(row)
    if allow:
        row.allow = sorted(allow)
    if trusted is not None:
        row.trusted = trusted
    if may_leave is not None:
        row.may_leave = may_leave
    session.flush()
    return row.id


@dataclass(frozen=True, slots=True)
class SourceView:
    id: str
    tenant: str
    location: str
    allow: tuple[str, ...]
    trusted: bool
    may_leave: bool | None
    synced_at: datetime | None
    report: dict[str, Any]


def sources(session: Session) -> list[SourceView]:
    rows = session.scalars(select(SourceRow).order_by(SourceRow.created_at))
    return [_source_view(row) for row in rows]


def source(session: Session, source_id: str) -> SourceView | None:
    row = session.get(SourceRow, source_id)
    return _source_view(row) if row else None


def _source_view(row: SourceRow) -> SourceView:
    return SourceView(
        row.id, row.tenant, row.location, tuple(row.allow), row.trusted, row.may_leave, row.synced_at, row.report
    )


def hold_source(session: Session, source_id: str, lease: timedelta, until: datetime | None = None) -> datetime | None:
    """Take the right to sync a source, or prolong the one that was taken `until` then: the time it has now, or None
    when another process has it, or has had it since."""
    mine = _free() if until is None else SourceRow.lease_until == until
    longer = now() + lease
    held = session.execute(update(SourceRow).where(SourceRow.id == source_id, mine).values(lease_until=longer))
    return longer if held.rowcount == 1 else None  # type: ignore[attr-defined]


def free_source(session: Session, source_id: str, until: datetime) -> None:
    """Give back what `hold_source` has taken; nothing, when another process has it by now."""
    mine = SourceRow.lease_until == until
    session.execute(update(SourceRow).where(SourceRow.id == source_id, mine).values(lease_until=None))


def is_source_held(session: Session) -> bool:
    """Whether anything is being indexed, or moved to another generation or index."""
    return session.scalar(select(SourceRow.id).where(SourceRow.lease_until >= now()).limit(1)) is not None


def _free() -> ColumnElement[bool]:
    return or_(SourceRow.lease_until.is_(None), SourceRow.lease_until < now())


def change(session: Session, document_id: str, values: Mapping[str, Any]) -> None:
    """Nothing where it is gone."""
    session.execute(update(DocumentRow).where(DocumentRow.id == document_id).values(values))


def synced(session: Session, source_id: str, report: dict[str, Any]) -> None:
    """A sync came to its end."""
    row = session.get_one(SourceRow, source_id)
    row.synced_at, row.report = now(), report
