"""A time in which no source is indexed, so that nothing is lost between two generations or two indices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.errors import IndexUnavailable

LEASE = timedelta(minutes=15)
"""So long nobody indexes after a process that held the sources was killed."""
RENEWED_AFTER_SECONDS = 60.0


@contextmanager
def at_rest(database: Database, work: str) -> Iterator[Callable[[], None]]:
    """Hold every source; what it yields is called again and again, to hold them longer. Raises IndexUnavailable."""
    with database.writing() as session:
        sources = [source.id for source in documents.sources(session)]
        taken = [source for source in sources if documents.lease_source(session, source, LEASE)]
    renewed = time.monotonic()

    def hold() -> None:
        nonlocal renewed
        if time.monotonic() - renewed < RENEWED_AFTER_SECONDS:
            return
        with database.writing() as session:
            for source in taken:
                documents.renew_source(session, source, LEASE)
        renewed = time.monotonic()

    try:
        if len(taken) < len(sources):
            raise IndexUnavailable(
                f"A source is being indexed right now, or was when its process was killed: try {work} again in a while."
            )
        yield hold
    finally:
        with database.writing() as session:
            for source in taken:
                documents.release_source(session, source, report=None)
