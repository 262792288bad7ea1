"""A time in which no source is indexed, so that nothing is lost between two generations or two indices."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.errors import DatabaseUnavailable, IndexUnavailable
from answerloop.ports import DocumentIndex

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
"""So long nobody indexes after a process that held the sources was killed."""
RENEWED_AFTER_SECONDS = 60.0


class Rest:
    """Sources that are held, by a thread that renews them whatever else takes its time: all that there are, or those
    that are named."""

    def __init__(
        self, database: Database, work: str, sources: Collection[str] | None = None, lease: timedelta = LEASE
    ) -> None:
        self._database = database
        self._work = work
        self._wanted = sources
        self._lease = lease
        self._held: dict[str, datetime] = {}
        self.is_lost = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew_in_time, name="rest", daemon=True)

    def begin(self) -> None:
        with self._database.writing() as session:
            wanted = [source.id for source in documents.sources(session)] if self._wanted is None else self._wanted
            for source in wanted:
                if (until := documents.hold_source(session, source, self._lease)) is not None:
                    self._held[source] = until
                else:
                    self.is_lost = True
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        with self._database.writing() as session:
            for source, until in self._held.items():
                documents.free_source(session, source, until)

    def require(self) -> None:
        """What took long may go on. Raises IndexUnavailable when a source was lost."""
        if self.is_lost:
            raise IndexUnavailable(
                f"A source is being indexed right now, or was when its process was killed: try {self._work} again in "
                "a while."
            )

    def require_all(self) -> None:
        """As of now, of every source that there is by now. Raises IndexUnavailable."""
        self._renew()
        with self._database.reading() as session:
            listed = {source.id for source in documents.sources(session)}
        self.is_lost |= not listed <= self._held.keys()
        self.require()

    def _renew(self) -> None:
        with self._lock:
            with self._database.writing() as session:
                renewed = {
                    source: documents.hold_source(session, source, self._lease, until)
                    for source, until in self._held.items()
                }
            self.is_lost |= None in renewed.values()
            self._held = {source: until for source, until in renewed.items() if until is not None}

    def _renew_in_time(self) -> None:
        while not self._over.wait(RENEWED_AFTER_SECONDS):
            try:
                self._renew()
            except DatabaseUnavailable:
                log.warning("sources could not be held longer, which is tried again")


@contextmanager
def at_rest(database: Database, work: str) -> Iterator[Rest]:
    """Hold every source. Raises IndexUnavailable when one is held by somebody else."""
    rest = Rest(database, work)
    rest.begin()
    try:
        rest.require()
        yield rest
    finally:
        rest.end()


@contextmanager
def held(database: Database, source_id: str, lease: timedelta) -> Iterator[bool]:
    """Hold one source; false when somebody else has it, or it is not there."""
    rest = Rest(database, "the sync", [source_id], lease)
    rest.begin()
    try:
        yield not rest.is_lost
    finally:
        rest.end()


def publish(
    database: Database,
    index: DocumentIndex,
    generation: DocumentIndex,
    tenant: str,
    written: Collection[str],
    rest: Rest,
) -> None:
    """Let `generation` serve in `index`, without what was erased since it was written to it: the database is asked
    right before, and once more after, since an erasure takes chunks from the generation that is live at its moment.
    Raises IndexUnavailable when somebody else may have indexed meanwhile."""
    while forget_unlisted(database, generation, tenant, written):
        generation.refresh(tenant)
        written = listed(database, tenant, written)
    rest.require_all()
    generation.publish(tenant)
    if forget_unlisted(database, index, tenant, written):
        index.refresh(tenant)


def forget_unlisted(database: Database, index: DocumentIndex, tenant: str, written: Collection[str]) -> set[str]:
    """Those of these documents that the database lists no more: they are taken out."""
    gone = set(written) - listed(database, tenant, written)
    if gone:
        index.replace_documents(tenant, {document: [] for document in gone})
    return gone


def listed(database: Database, tenant: str, written: Collection[str]) -> set[str]:
    with database.reading() as session:
        return set(documents.ids_of_tenant(session, tenant)).intersection(written)
