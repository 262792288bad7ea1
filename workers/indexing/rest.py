"""A time in which no source is indexed, so that nothing is lost between two generations or two indices."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.errors import DatabaseUnavailable, IndexUnavailable

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
"""So long nobody indexes after a process that held the sources was killed."""
RENEWED_AFTER_SECONDS = 60.0


@contextmanager
def at_rest(database: Database, work: str) -> Iterator[None]:
    """Hold every source. Raises IndexUnavailable."""
    with database.writing() as session:
        sources = [source.id for source in documents.sources(session)]
        taken = [source for source in sources if documents.lease_source(session, source, LEASE)]
    try:
        if len(taken) < len(sources):
            raise IndexUnavailable(
                f"A source is being indexed right now, or was when its process was killed: try {work} again in a while."
            )
        with renewed(database, taken, LEASE):
            yield
    finally:
        with database.writing() as session:
            for source in taken:
                documents.release_source(session, source, report=None)


@contextmanager
def renewed(database: Database, sources: Sequence[str], lease: timedelta) -> Iterator[None]:
    """Keep sources that were taken, in a thread: the housekeeping of a large index alone takes longer than a lease."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEWED_AFTER_SECONDS):
            try:
                with database.writing() as session:
                    for source in sources:
                        documents.renew_source(session, source, lease)
            except DatabaseUnavailable as error:
                log.warning("the leases of sources were not renewed", extra={"error": str(error)})

    thread = threading.Thread(target=renew, name="leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()  # what it renewed after the release would be nobody's
