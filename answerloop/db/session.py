"""Engine and transactions, alike on SQLite and PostgreSQL: who reads sees one moment, who writes need not fear that
somebody else changes what was read before it is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session, sessionmaker

from answerloop.db import engine_postgres, engine_sqlite
from answerloop.errors import ConfigurationError, DatabaseUnavailable

UNIQUE_VIOLATION = "23505"
DEADLOCK = "40P01"
MOVED = "moved away"
"""The bookmark of an installation whose state was exported to go on elsewhere."""
UNERASED = "erasures to repeat"
"""The bookmark of one that came in from an archive, of which something is still to be erased again."""


class DuplicateKey(Exception):
    """A unique key was taken by a concurrent transaction; this one was rolled back whole."""


class Deadlock(DatabaseUnavailable):
    """Two transactions waited for each other, and this one was rolled back whole: trying it again is all it takes."""


class Database:
    """Opens transactions: `reading()` never waits for a writer, `writing()` commits at the end of its block.

    `urgent` writers go before others: somebody waits to be told that a message has arrived.
    """

    def __init__(self, url: str, *, urgent: bool = False) -> None:
        self._is_sqlite = url.startswith("sqlite")
        self.engine = engine_sqlite.make(url) if self._is_sqlite else engine_postgres.make(url)
        self._turn = engine_sqlite.turn(self.engine.url, urgent=urgent) if self._is_sqlite else None
        self._reader = sessionmaker(self._as(writing=False), expire_on_commit=False)
        self._writer = sessionmaker(self._as(writing=True), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with _translated(), self._reader() as session:
            yield session

    @contextmanager
    def writing(self, *, beside_others: bool = False) -> Iterator[Session]:
        """Nobody else writes meanwhile. `beside_others`: but for those who say so too, where the database can do that;
        such a transaction claims or locks each row that it changes before it looks at it, or adds rows with keys."""
        in_turn = self._turn.taken() if self._turn else nullcontext()
        with _translated(), in_turn, self._writer.begin() as session:
            if not self._is_sqlite:
                engine_postgres.take_turn(session.connection(), beside_others=beside_others)
            yield session

    def _as(self, *, writing: bool) -> Engine:
        options = engine_sqlite.options if self._is_sqlite else engine_postgres.options
        return self.engine.execution_options(**options(writing=writing))

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """All tables as they were at the first read of the block, whoever writes meanwhile."""
        with _translated(), self._as(writing=False).connect() as connection, connection.begin():
            yield connection

    def version(self) -> str | None:
        """Of the tables that are there; None where there are none. Raises DatabaseUnavailable."""
        with _translated(), self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def check(self, *, to_erase_again: bool = False) -> None:
        """Raises DatabaseUnavailable when it does not answer, ConfigurationError when it was not migrated, when its
        rows have moved elsewhere, or, but for whoever erases it, when it has what was erased."""
        found, wanted = self.version(), newest_version()
        if found != wanted:
            raise ConfigurationError(
                f"The database is at version {found or 'none'}, this program needs {wanted}: run `answerloop migrate`."
            )
        with _translated(), self.engine.connect() as connection:
            told = text("SELECT name, position FROM bookmarks WHERE name IN (:moved, :unerased)")
            marked = {
                row.name: row.position for row in connection.execute(told, {"moved": MOVED, "unerased": UNERASED})
            }
        if MOVED in marked:
            raise ConfigurationError(
                f"This installation was exported at {marked[MOVED]}, to go on elsewhere. If it shall go on here after "
                "all: `answerloop export-state --undo`."
            )
        if UNERASED in marked and not to_erase_again:
            raise ConfigurationError(
                f"This installation was imported at {marked[UNERASED]}, and what was erased before is in it still: "
                "`answerloop erase --again FILE`, with the newest erasures.jsonl that there is, then start."
            )

    def migrate(self) -> None:
        """Bring the tables to the newest version; doing it twice changes nothing."""
        with _translated(), self._as(writing=True).begin() as connection:
            if not self._is_sqlite:
                engine_postgres.take_turn(connection)
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def empty_journal(self) -> bool:
        """Move what SQLite has written beside the file into it, so that nothing deleted is left there. False while
        somebody reads; other databases do so by themselves."""
        if not self._is_sqlite:
            return True
        with _translated():
            connection = self.engine.raw_connection()
            try:
                busy = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                connection.close()
        return not busy

    def dispose(self) -> None:
        self.engine.dispose()
        if self._turn:
            self._turn.close()


def newest_version() -> str | None:
    """Of the tables that this program works with."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolExhausted as error:
        raise DatabaseUnavailable("The database has no connection to spare.") from error
    except DBAPIError as error:
        _forget_details(error)
        if isinstance(error, IntegrityError) and _is_about_a_unique_key(error):
            raise DuplicateKey(str(error.orig)) from error
        if getattr(error.orig, "sqlstate", "") == DEADLOCK:
            raise Deadlock("The database had to undo it, since another one waited for it.") from error
        if isinstance(error, OperationalError):
            raise DatabaseUnavailable(f"The database did not do it: {error.orig}") from error
        if error.connection_invalidated:
            raise DatabaseUnavailable(f"The database went away: {error.orig}") from error
        raise


def _is_about_a_unique_key(error: IntegrityError) -> bool:
    return getattr(error.orig, "sqlstate", "") == UNIQUE_VIOLATION or "unique" in str(error.orig).lower()


def _forget_details(error: DBAPIError) -> None:
    """Keep the first line of what the driver says: further ones may quote a row."""
    said = str(error.orig).partition("\n")[0]
    if error.orig is not None:
        error.orig.args = (said,)
    error.args = (f"({type(error.orig).__name__}) {said}",)
