"""SQLite in WAL mode. A writing transaction takes its lock at once, so it never has to be rolled back half-way because
another writer was faster."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from answerloop.db.turn import Turn

BUSY_TIMEOUT_MS = 10_000
POOL_SIZE = 30  # connections, and as many again under load: more than the threads of any of our processes


def make(url: str) -> Engine:
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


def options(*, writing: bool) -> dict[str, Any]:
    return {"writing": writing}


def turn(url: URL, *, urgent: bool) -> Turn | None:
    return Turn(Path(url.database), BUSY_TIMEOUT_MS / 1000, urgent=urgent) if url.database else None
