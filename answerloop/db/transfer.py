"""All rows of all tables, out of one database and into another of whatever kind, as lines of JSON.

A line is a list in the order of the table's columns: times in ISO 8601 with their zone, bytes in base64, everything
else as JSON has it. Rows come in the order of their keys by code point, so the same rows are the same lines everywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, func, insert, select, text, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from answerloop.db import audit_tables, training_tables  # noqa: F401 - their tables are part of the metadata
from answerloop.db.audit_tables import BookmarkRow
from answerloop.db.repositories import documents
from answerloop.db.tables import InstallationRow, ProcessRow, SourceRow, Table, UtcDateTime
from answerloop.errors import ArchiveRefused

LEFT_OUT = {ProcessRow.__tablename__}
"""What is true of one moment on one machine alone."""
BATCH = 200
MOST_INTEGER = 2**31 - 1
REPLACEMENT = "\ufffd"


def names() -> tuple[str, ...]:
    """The tables, each after those that it refers to."""
    return tuple(table.name for table in Table.metadata.sorted_tables if table.name not in LEFT_OUT)


def columns(name: str) -> tuple[str, ...]:
    return tuple(column.name for column in _table(name).columns)


def fix_moment(connection: Connection) -> None:
    """A snapshot is of the moment of its first read: this one."""
    connection.execute(text("SELECT 1 FROM alembic_version"))


def lines(connection: Connection, name: str) -> Iterator[bytes]:
    """In parts, so that a million rows need no more memory than a few."""
    table = _table(name)
    rows = connection.execute(
        select(table).order_by(*_by_code_point(connection, table)), execution_options={"yield_per": BATCH}
    )
    for row in rows:
        values = [_plain(value) for value in row]
        yield json.dumps(values, separators=(",", ":")).encode() + b"\n"


def filled(session: Session) -> list[str]:
    """The tables that have rows."""
    return [name for name in names() if session.execute(select(1).select_from(_table(name)).limit(1)).first()]


class Arrival:
    """Rows that come in, within one transaction. `replaced` counts the values from which a NUL was taken, which only
    SQLite can hold."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loose = session.get_bind().dialect.name == "sqlite"
        self.replaced = 0

    def take(self, name: str, rows: Iterable[bytes]) -> None:
        """Raises ArchiveRefused for a row that is none of this table."""
        table = _table(name)
        try:
            for batch in _batches(rows):
                self._session.execute(insert(table), [self._row(table, line) for line in batch])
        except (IntegrityError, DataError) as error:
            reason = str(error.orig).partition("\n")[0]
            raise ArchiveRefused(f"The rows of {name} do not fit into this database: {reason}") from None

    def settle(self) -> None:
        """Numbers go on after the last one, and what somebody held elsewhere is free."""
        for table in Table.metadata.sorted_tables:
            column = table.autoincrement_column
            if column is not None and not self._loose:
                sequence = func.pg_get_serial_sequence(table.name, column.name)
                highest = select(func.max(column)).scalar_subquery()
                following = func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None))
                self._session.execute(select(following).where(sequence.is_not(None)))
        for row in (SourceRow, BookmarkRow, InstallationRow):
            self._session.execute(update(row).where(row.lease_until.is_not(None)).values(lease_until=None))

    def move_sources(self, moved: Mapping[str, str]) -> None:
        """Old location → new one. Raises ArchiveRefused for one that is not registered."""
        for old, new in moved.items():
            found = self._session.execute(update(SourceRow).where(SourceRow.location == old).values(location=new))
            if not found.rowcount:  # type: ignore[attr-defined]
                known = ", ".join(source.location for source in documents.sources(self._session)) or "none"
                raise ArchiveRefused(f"No source is at {old}. There are: {known}.")

    def _row(self, table: SqlTable, line: bytes) -> dict[str, Any]:
        try:
            values = json.loads(line)
            pairs = zip(table.columns, values, strict=True)
            return {column.name: self._value(column, value) for column, value in pairs}
        except (ValueError, TypeError, AttributeError) as error:
            raise ArchiveRefused(f"A row of {table.name} is none: {error}") from None

    def _value(self, column: Column[Any], value: Any) -> Any:
        if value is None:
            return None
        if isinstance(column.type, UtcDateTime):
            return datetime.fromisoformat(value)
        if isinstance(column.type, LargeBinary):
            return base64.b64decode(value, validate=True)
        return value if self._loose else self._fitting(column, value)

    def _fitting(self, column: Column[Any], value: Any) -> Any:
        """SQLite takes longer words and larger numbers than a column says; others do not."""
        kind = column.type
        if type(kind) is Integer and abs(value) > MOST_INTEGER:
            raise ValueError(f"{column.name} has {value}, which is too large for this database")
        if isinstance(kind, String) and "\0" in value:
            value, self.replaced = value.replace("\0", REPLACEMENT), self.replaced + 1
        if isinstance(kind, String) and kind.length is not None and len(value) > kind.length:
            raise ValueError(f"{column.name} has {len(value)} characters, this database takes {kind.length}")
        return value


def _table(name: str) -> SqlTable:
    return Table.metadata.tables[name]


def _by_code_point(connection: Connection, table: SqlTable) -> Sequence[Any]:
    """Other databases may sort words by the habits of a language."""
    is_sqlite = connection.dialect.name == "sqlite"
    return [
        column.collate("C") if isinstance(column.type, String) and not is_sqlite else column
        for column in table.primary_key
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _batches(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
