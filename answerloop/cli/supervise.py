"""Child processes that live and die with us: started, watched, restarted, stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_PAUSE_SECONDS = 30.0
STEADY_AFTER_SECONDS = 60.0
LARGEST_LOG_BYTES = 50_000_000


@dataclass(slots=True)
class Child:
    """One program. After an unwanted end it starts again, each time a little later until it has been steady."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    failures: int = field(default=0)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
            )
        self.started_at, self.restart_at = time.monotonic(), None

    def ended(self) -> int | None:
        """The exit code, once, when the process has just ended; schedules its restart."""
        if self.process is None or self.restart_at is not None:
            return None
        code = self.process.poll()
        if code is not None:
            steady = time.monotonic() - self.started_at > STEADY_AFTER_SECONDS
            self.failures = 1 if steady else self.failures + 1
            self.restart_at = time.monotonic() + min(2.0 ** (self.failures - 1) - 0.5, LONGEST_PAUSE_SECONDS)
        return code

    def restart_if_due(self) -> bool:
        due = self.restart_at is not None and time.monotonic() >= self.restart_at
        if due:
            self.start()
        return due

    def stop(self, patience_seconds: float) -> None:
        """Ask it to end, wait, then kill its whole process group."""
        if self.process is None:
            return
        _signal(self.process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience_seconds)
        _signal(self.process, signal.SIGKILL)
        self.process.wait()

    def last_words(self, lines: int = 5) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To its whole group, which may be gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
