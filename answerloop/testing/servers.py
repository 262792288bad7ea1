"""Real servers from Debian's packages (`make servers`), for tests and measurements.

Each has a folder, a port on loopback and a password of its own, ends with us, and knows nothing of what else runs here.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from socket import socket  # by itself: unit tests take `socket.socket` away
from typing import Self

import psutil
import psycopg
from redis import Redis
from redis.exceptions import RedisError

from answerloop.db.session import Database

PATIENCE_SECONDS = 30.0
USER = "answerloop"
UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; its package brings this account."""


class Missing(Exception):
    """A program that `make servers` installs."""


class Server:
    """One program. `start` after `crash` or `stop` finds what was written before."""

    name: str
    ends_at_once: signal.Signals
    account: str | None = None
    """Whom it runs as; None: as we do."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"answerloop-{self.name}-"))
        self.port = _free_port()
        self.password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = self._run(self.command(), log.fileno())
        _until(lambda: self._alive() and self.answers(), self.name)

    def _run(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            preexec_fn=self._end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
            user=self.account, group=self.account, extra_groups=[] if self.account else None,
        )  # fmt: skip

    def _end_with_parent(self) -> None:
        ctypes.CDLL(None).prctl(1, int(self.ends_at_once))  # PR_SET_PDEATHSIG

    def _alive(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended:\n{(self.folder / 'log').read_text()}"
        return True

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, how: signal.Signals) -> None:
        """And wait until nothing of it is left."""
        if self._process is None or self._process.poll() is not None:
            return
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        self._process.send_signal(how)
        self._process.wait(PATIENCE_SECONDS)
        psutil.wait_procs(family, timeout=PATIENCE_SECONDS)

    def stop(self) -> None:
        self.end(self.ends_at_once)

    def crash(self) -> None:
        self.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class RedisServer(Server):
    name = "redis"
    ends_at_once = signal.SIGTERM

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        config = self.folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir {self.folder}\n"
            'appendonly yes\nappendfsync everysec\nsave ""\ndaemonize no\n'
        )
        program = shutil.which("redis-server")
        if program is None:
            raise Missing("redis-server is missing: `make servers` installs it.")
        return [program, str(config)]

    def answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=1.0) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False


class PostgresServer(Server):
    """`durable`: what was committed is on the disk, as in production."""

    name = "postgres"
    ends_at_once = signal.SIGINT  # disconnects everybody

    def __init__(self, *, durable: bool = True) -> None:
        super().__init__()
        self.account = UNPRIVILEGED if os.getuid() == 0 else None
        self._durable = durable
        self._numbers = count(1)
        self._template = ""

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def command(self) -> Sequence[str]:
        data = self.folder / "data"
        if not data.exists():
            self._make_cluster(data)
        return [_postgres_program("postgres"), "-D", str(data)]

    def _make_cluster(self, data: Path) -> None:
        password = self.folder / "password"
        password.write_text(self.password)
        if self.account:
            account = pwd.getpwnam(self.account)
            for path in (self.folder, password):
                os.chown(path, account.pw_uid, account.pw_gid)
        with (self.folder / "log").open("ab") as log:
            made = self._run(
                [_postgres_program("initdb"), f"--pgdata={data}", f"--username={USER}", f"--pwfile={password}",
                 "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], log.fileno()
            )  # fmt: skip
        assert made.wait(PATIENCE_SECONDS) == 0, (self.folder / "log").read_text()
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": self.port,
            "unix_socket_directories": "''",
            "max_connections": 200,
            "fsync": "on" if self._durable else "off",
            "synchronous_commit": "on" if self._durable else "off",
        }
        with (data / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def answers(self) -> bool:
        try:
            with self._admin():
                return True
        except psycopg.OperationalError:
            return False

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database of its own with all tables and no rows, gone at the end."""
        name = f"d{next(self._numbers)}"
        with self._admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {self._migrated(admin)}")
        yield self.url(name)
        with self._admin() as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def empty_database(self) -> str:
        """The URL of one without tables, which lives as long as the server."""
        name = f"d{next(self._numbers)}"
        with self._admin() as admin:
            admin.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _migrated(self, admin: psycopg.Connection) -> str:
        if not self._template:
            admin.execute("CREATE DATABASE migrated")
            database = Database(self.url("migrated"))
            database.migrate()
            database.dispose()
            self._template = "migrated"
        return self._template

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres", autocommit=True
        )


def _postgres_program(name: str) -> str:
    """Of the newest version that is installed: Debian keeps the server's programs out of PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    program = str(versions[-1]) if versions else shutil.which(name)
    if program is None:
        raise Missing("PostgreSQL is missing: `make servers` installs it.")
    return program


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(done: Callable[[], bool], name: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} does not answer")
        time.sleep(0.05)
