"""Work that one process at a time does: it holds a lease, and every transaction checks that it still does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.orm import Session

from answerloop.db.repositories import leases
from answerloop.db.repositories.leases import Lease
from answerloop.db.session import Database, DuplicateKey
from answerloop.errors import DatabaseUnavailable

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another process has taken over; this one must stop writing."""


class Fence:
    """Of whoever holds the lease."""

    def __init__(self, database: Database, lease: Lease, length: timedelta) -> None:
        self._database = database
        self._lease = lease
        self._length = length

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that prolongs the lease. Raises LeaseLost, and then nothing of it is written."""
        with self._database.writing() as session:
            if not leases.renew(session, self._lease, self._length):
                raise LeaseLost(self._lease.name)
            yield session

    def renew(self) -> None:
        """Raises LeaseLost."""
        with self.writing():
            pass


@contextmanager
def alone(database: Database, name: str, length: timedelta) -> Iterator[Fence | None]:
    """None while another process is at it. Whoever dies within the block is waited for, `length` after its last
    transaction."""
    lease = _take(database, name, length)
    if lease is None:
        yield None
        return
    try:
        yield Fence(database, lease, length)
    finally:
        _give_back(database, lease)


def _take(database: Database, name: str, length: timedelta) -> Lease | None:
    try:
        with database.writing() as session:
            return leases.take(session, name, length)
    except DuplicateKey:
        return None


def _give_back(database: Database, lease: Lease) -> None:
    try:
        with database.writing() as session:
            leases.release(session, lease)
    except DatabaseUnavailable as error:
        log.warning("a lease is left to run out", extra={"lease": lease.name, "error": str(error)})
