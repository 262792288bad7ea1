"""Engine and transactions. SQLite runs in WAL mode; a writing transaction takes its lock at once, so it never has to
be rolled back half-way because another writer was faster."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session, sessionmaker

from answerloop.db.turn import Turn
from answerloop.errors import ConfigurationError, DatabaseUnavailable

BUSY_TIMEOUT_MS = 10_000
MOVED = "moved away"
"""The bookmark of an installation whose state was exported to go on elsewhere."""
POOL_SIZE = 30  # connections, and as many again under load: more than the threads of any of our processes


class DuplicateKey(Exception):
    """A unique key was taken by a concurrent transaction; this one was rolled back whole."""


class Database:
    """Opens transactions: `reading()` never waits for a writer, `writing()` commits at the end of its block.

    `urgent` writers go before others: somebody waits to be told that a message has arrived.
    """

    def __init__(self, url: str, *, urgent: bool = False) -> None:
        self.engine = _engine(url)
        self._turn = _turn(self.engine.url, urgent=urgent)
        self._reader = sessionmaker(self.engine, expire_on_commit=False)
        self._writer = sessionmaker(self.engine.execution_options(writing=True), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with _translated(), self._reader() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        in_turn = self._turn.taken() if self._turn else nullcontext()
        with _translated(), in_turn, self._writer.begin() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """All tables as they were at the first read of the block, whoever writes meanwhile."""
        with _translated(), self.engine.connect() as connection:
            if self.engine.dialect.name != "sqlite":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    def version(self) -> str | None:
        """Of the tables that are there; None where there are none. Raises DatabaseUnavailable."""
        with _translated(), self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def check(self) -> None:
        """Raises DatabaseUnavailable when it does not answer, ConfigurationError when it was not migrated, or when its
        rows have moved elsewhere."""
        found, wanted = self.version(), newest_version()
        if found != wanted:
            raise ConfigurationError(
                f"The database is at version {found or 'none'}, this program needs {wanted}: run `answerloop migrate`."
            )
        with _translated(), self.engine.connect() as connection:
            gone = connection.execute(text("SELECT position FROM bookmarks WHERE name = :name"), {"name": MOVED})
            if (moved := gone.scalar()) is not None:
                raise ConfigurationError(
                    f"This installation was exported at {moved}, to go on elsewhere. If it shall go on here after all: "
                    "`answerloop export-state --undo`."
                )

    def migrate(self) -> None:
        """Bring the tables to the newest version; doing it twice changes nothing."""
        with _translated(), self.engine.execution_options(writing=True).begin() as connection:
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def empty_journal(self) -> bool:
        """Move what SQLite has written beside the file into it, so that nothing deleted is left there. False while
        somebody reads; other databases do so by themselves."""
        if self.engine.url.get_backend_name() != "sqlite":
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


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, pool_size=POOL_SIZE, max_overflow=POOL_SIZE)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
    )
    if engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted or overwritten is gone from the file

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _turn(url: URL, *, urgent: bool) -> Turn | None:
    """Other databases have more than one writer at a time."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Turn(Path(url.database), BUSY_TIMEOUT_MS / 1000, urgent=urgent)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "unique" in str(error.orig).lower():
            raise DuplicateKey(_first_line(error)) from error
        raise
    except PoolExhausted as error:
        raise DatabaseUnavailable("The database has no connection to spare.") from error
    except OperationalError as error:
        raise DatabaseUnavailable(f"The database did not do it: {_first_line(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable(f"The database went away: {_first_line(error)}") from error
        raise


def _first_line(error: DBAPIError) -> str:
    """What the driver says, without the lines that may quote a row."""
    return str(error.orig).partition("\n")[0]
