"""Into an empty installation: everything or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from answerloop.db import departure, transfer
from answerloop.db.repositories import documents
from answerloop.db.session import Database, newest_version
from answerloop.errors import ArchiveRefused
from answerloop.moving import files
from answerloop.moving.archive import Manifest, Reader
from answerloop.moving.leaving import Progress, require_nobody
from answerloop.settings import Settings


@dataclass(frozen=True, slots=True)
class Arrived:
    """`replaced` are values that had a NUL, which this database cannot hold. `unreachable` are the locations of sources
    that are not here; `tenants` those with documents, whose index is to be written."""

    manifest: Manifest
    replaced: int
    unreachable: tuple[str, ...]
    tenants: tuple[str, ...]


def import_state(
    settings: Settings,
    database: Database,
    path: Path,
    progress: Progress,
    moved: Mapping[str, str],
    *,
    to_erase_again: bool = False,
) -> Arrived:
    """`moved` are the locations of sources, old → new. With `to_erase_again` nothing starts until that was done
    (`departure.erased_again`). Raises ArchiveRefused, AlreadyRunning, ConfigurationError,
    DatabaseUnavailable, and then nothing has come in."""
    with Reader(path) as reader, files.alone(settings.state):
        _require_fit(settings, reader.manifest)
        if database.version() is None:
            database.migrate()
        database.check()
        require_nobody(database)
        _require_empty(database)
        reader.verify()
        with _unpacked(settings, reader) as unpacked:
            replaced = _take(database, reader, unpacked, progress, moved, to_erase_again)
        with database.reading() as session:
            sources = documents.sources(session)
            tenants = tuple(documents.tenants(session))
    unreachable = tuple(source.location for source in sources if not Path(source.location).exists())
    return Arrived(reader.manifest, replaced, unreachable, tenants)


def _take(
    database: Database,
    reader: Reader,
    unpacked: files.Unpacked,
    progress: Progress,
    moved: Mapping[str, str],
    to_erase_again: bool,
) -> int:
    entries = {entry.name: entry for entry in reader.manifest.tables}
    names = transfer.names()
    with database.writing() as session:
        arrival = transfer.Arrival(session)
        for done, name in enumerate(names):
            progress(done, len(names), name)
            arrival.take(name, reader.lines(entries[name]))
        arrival.move_sources(moved)
        arrival.settle()
        if to_erase_again:
            departure.await_erasures(session)
        require_nobody(database)
        unpacked.place()
        progress(len(names), len(names), "")
    return arrival.replaced


@contextmanager
def _unpacked(settings: Settings, reader: Reader) -> Iterator[files.Unpacked]:
    unpacked = files.Unpacked(settings.state, reader)
    try:
        yield unpacked
    finally:
        unpacked.close()


def _require_fit(settings: Settings, manifest: Manifest) -> None:
    newest = newest_version()
    if manifest.revision != newest:
        raise ArchiveRefused(
            f"The archive has tables of version {manifest.revision} (answerloop {manifest.answerloop}), this program "
            f"has {newest}: import it with the answerloop that wrote it, then `answerloop migrate` with the newer one."
        )
    if manifest.embedder != settings.embedder:
        raise ArchiveRefused(
            f"The vectors in the archive are by the embedder {manifest.embedder}, ANSWERLOOP_EMBEDDER is "
            f"{settings.embedder}: set it to the former, import, then change it and `answerloop ingest --rebuild`."
        )
    told = {entry.name: entry.columns for entry in manifest.tables}
    if told != {name: transfer.columns(name) for name in transfer.names()}:
        raise ArchiveRefused("The archive has other tables or columns than this program.")


def _require_empty(database: Database) -> None:
    with database.reading() as session:
        filled = transfer.filled(session)
    if filled:
        raise ArchiveRefused(
            f"The database {database.engine.url.render_as_string(hide_password=True)} is not empty: there are rows in "
            f"{', '.join(filled)}. Import into an empty one; two installations cannot be merged."
        )
