"""Out of an installation: all rows of one moment, and the files that belong to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from answerloop import __version__
from answerloop.db import departure, transfer
from answerloop.db.repositories import processes
from answerloop.db.session import Database
from answerloop.errors import AlreadyRunning, DatabaseUnavailable
from answerloop.moving import files
from answerloop.moving.archive import Manifest, Writer
from answerloop.secrets import key_of
from answerloop.settings import Settings

log = logging.getLogger(__name__)

ATTEMPTS = 5

Progress = Callable[[int, int, str], None]
"""Called with tables done, tables in all, and the table in hand."""


def export_state(settings: Settings, database: Database, path: Path, progress: Progress, *, live: bool) -> Manifest:
    """`live`: a backup, which may be made while everything runs. Otherwise the installation has left: nothing of it
    starts any more, so that it does not answer beside the one that goes on. Raises AlreadyRunning,
    ConfigurationError, DatabaseUnavailable."""
    database.check()
    key_of(settings.state.receipt_key)  # a later list of erasures is read with it
    if live:
        return _write(settings, database, path, progress, live=True)
    require_nobody(database)
    with files.alone(settings.state):
        manifest = _write(settings, database, path, progress, live=False)
        require_nobody(database)
        with database.writing() as session:
            departure.leave(session)
    return manifest


def require_nobody(database: Database) -> None:
    """Raises AlreadyRunning while processes of ours are alive anywhere."""
    with database.reading() as session:
        alive = processes.alive(session)
    if alive:
        who = ", ".join(f"{process.name} (pid {process.pid} on {process.host})" for process in alive)
        raise AlreadyRunning(
            f"Still at work: {who}. Stop them first; one that was killed counts as gone after "
            f"{processes.ALIVE.seconds} seconds."
        )


def _write(settings: Settings, database: Database, path: Path, progress: Progress, *, live: bool) -> Manifest:
    for _ in range(ATTEMPTS):
        with _moment(settings, database) as found:
            if found is None:
                continue
            connection, linked = found
            with Writer(path) as writer:
                names = transfer.names()
                for done, name in enumerate(names):
                    progress(done, len(names), name)
                    writer.add_table(name, transfer.columns(name), transfer.lines(connection, name))
                for name, file in linked.items():
                    writer.add_file(name, file)
                manifest = Manifest(
                    answerloop=__version__,
                    created_at=datetime.now(UTC),
                    revision=str(database.version()),
                    database=database.engine.dialect.name,
                    live=live,
                    embedder=settings.embedder,
                    tables=tuple(writer.tables),
                    files=tuple(writer.files),
                )
                writer.finish(manifest)
                progress(len(names), len(names), "")
            return manifest
    raise DatabaseUnavailable("Files of the state folder change all the time: try again in a minute.")


@contextmanager
def _moment(settings: Settings, database: Database) -> Iterator[tuple[Any, dict[str, Path]] | None]:
    """Rows and files of the same moment: None when a file has changed, or gone, between the first look and the last."""
    found = None
    with ExitStack() as opened:
        try:
            before = files.marks(settings.state)
            connection = opened.enter_context(database.snapshot())
            transfer.fix_moment(connection)
            linked = opened.enter_context(files.held(settings.state))
            if files.marks(settings.state) == before:
                found = connection, linked
        except FileNotFoundError:
            log.info("a file went away between two looks at it", exc_info=True)
        yield found
