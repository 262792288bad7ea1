"""Reads untrusted formats in a child process, so that no file can hang, fill the memory of, or crash a worker.

The child ends itself when an alarm rings (the parser need not cooperate, not even in C), may not take more memory
than the limit, and may not open connections or start programs. It is started on first use, reused for the next
files, and replaced when it dies. A plain `Popen` also works inside Celery's daemonic worker processes, where
multiprocessing refuses to start children.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument
from workers.indexing.extract import DEFAULT_MAX_BYTES, TRUSTED_SUFFIXES, extract, extract_row
from workers.indexing.sources import SourceItem

MEMORY_LIMIT_BYTES = 3_000_000_000


class Extractor:
    """Reads the items of a source, one at a time. Not for use by several threads at once."""

    def __init__(self, max_document_bytes: int = DEFAULT_MAX_BYTES, time_limit_seconds: int = 120) -> None:
        self._max_bytes = max_document_bytes
        self._seconds = time_limit_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def read(self, item: SourceItem) -> ExtractedDocument:
        """Raises DocumentRejected and nothing else."""
        if item.rejected or item.skipped:
            raise DocumentRejected(item.rejected or item.skipped)
        if item.row is not None:
            return extract_row(item.row, self._max_bytes)
        if item.path is None:
            raise DocumentRejected("nothing to read")
        if item.path.suffix.lower() in TRUSTED_SUFFIXES:
            return extract(item.path, self._max_bytes)
        return self._read_in_child(item.path)

    def _read_in_child(self, path: Path) -> ExtractedDocument:
        pipe = self._pipe or self._start()
        try:
            pipe.send_bytes(json.dumps([os.fspath(path), self._max_bytes, self._seconds]).encode())
            reply: dict[str, Any] = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            status = self._stop()
            if status == -signal.SIGALRM:
                raise DocumentRejected(f"reading it took longer than {self._seconds} s") from None
            raise DocumentRejected("reading it broke the parser") from None
        except BaseException:
            self._stop()  # interrupted: a late reply must not be taken for the next file's
            raise
        if "rejected" in reply:
            raise DocumentRejected(reply["rejected"])
        return _from_json(reply)

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "workers.indexing.sandbox", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        theirs.close()
        self._pipe = ours
        return ours

    def _stop(self) -> int | None:
        """How the child ended: it does so by itself when its pipe is closed."""
        if self._pipe is not None:
            self._pipe.close()
        child, self._pipe, self._child = self._child, None, None
        if child is None:
            return None
        try:
            return child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


def _environment() -> dict[str, str]:
    """What the interpreter needs, and none of our secrets."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ
    }
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def serve(pipe: Connection) -> None:
    """The child: answers one request after the other until the parent closes the pipe."""
    while True:
        try:
            path, max_bytes, seconds = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        signal.alarm(seconds)
        try:
            reply: dict[str, Any] = asdict(extract(Path(path), max_bytes))
        except DocumentRejected as error:
            reply = {"rejected": str(error)}
        signal.alarm(0)
        pipe.send_bytes(json.dumps(reply, default=datetime.isoformat).encode())


def _from_json(fields: dict[str, Any]) -> ExtractedDocument:
    if fields["modified_at"]:
        fields["modified_at"] = datetime.fromisoformat(fields["modified_at"])
    if fields["allow"] is not None:
        fields["allow"] = tuple(fields["allow"])
    return ExtractedDocument(**fields)


def _confine() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system", "os.exec"):
        raise PermissionError(f"{event} is not for readers of documents")


if __name__ == "__main__":
    _confine()
    serve(Connection(int(sys.argv[1])))
