"""PostgreSQL, made to promise what SQLite does.

A reading transaction sees one moment. A writing one is alone, by a lock that ends with it; those that lock what they
change (`beside_others`) share it, so that all who answer and deliver write at the same time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text

BUSY_TIMEOUT_MS = 10_000
HANGS_AFTER_SECONDS = 120
"""A writer that says nothing for so long is cut off: everybody else waits for it."""
CONNECT_SECONDS = 5
POOL_SIZE = 30  # connections, and as many again under load: more than the threads of any of our processes
TURN = 0x616E7377
"""Of all advisory locks of this database, ours."""

_LIMIT = f"set_config('idle_in_transaction_session_timeout', '{HANGS_AFTER_SECONDS}s', true)"
_ALONE = text(f"SELECT {_LIMIT}, pg_advisory_xact_lock({TURN})")
_BESIDE_OTHERS = text(f"SELECT {_LIMIT}, pg_advisory_xact_lock_shared({TURN})")


def make(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_pre_ping=True,
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )

    @event.listens_for(engine, "do_connect")
    def _set(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        own = f"-c lock_timeout={BUSY_TIMEOUT_MS} -c timezone=UTC"
        parameters["options"] = f"{own} {parameters.get('options', '')}".strip()

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def _clean(
        _connection: Connection, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool
    ) -> tuple[str, Any]:
        rows = isinstance(parameters, (list, tuple))
        return statement, [_storable(each) for each in parameters] if rows else _storable(parameters)

    return engine


def options(*, writing: bool) -> dict[str, Any]:
    return {} if writing else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def take_turn(connection: Connection, *, beside_others: bool = False) -> None:
    connection.execute(_BESIDE_OTHERS if beside_others else _ALONE)


def _storable(parameters: Any) -> Any:
    """PostgreSQL has no NUL in a text; a document that holds one must not be tried again for ever."""
    if not isinstance(parameters, dict):
        return parameters
    bad = {name: value for name, value in parameters.items() if isinstance(value, str) and "\0" in value}
    return {**parameters, **{name: value.replace("\0", "\ufffd") for name, value in bad.items()}} if bad else parameters
