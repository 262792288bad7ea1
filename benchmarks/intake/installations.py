"""What is measured: a whole installation, or its intake alone."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil

from answerloop.cli import broker
from answerloop.cli.supervise import Child
from answerloop.db.session import Database
from answerloop.settings import Settings
from answerloop.testing.installation import CHECKOUT, RunningInstallation, until

FEW_DOCUMENTS = CHECKOUT / "samples" / "handbook" / "hr"


class Installation(Protocol):
    port: int
    database: Database

    def pid_of(self, name: str) -> int:
        """Of "bot" or "broker"."""


class IntakeAlone:
    """Bot, broker and database as `answerloop up` starts them, and nobody who answers."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        whole = RunningInstallation(home, FEW_DOCUMENTS, **settings)
        self.port, self.database = whole.port, whole.database
        state = Settings(_env_file=None, home=home).state  # type: ignore[call-arg]
        environment = {**whole.environment, "PROMETHEUS_MULTIPROC_DIR": str(state.metrics)}
        state.metrics.mkdir(parents=True)
        self._children = {
            "broker": Child("broker", broker.prepare(state), environment, state.logs / "broker.log"),
            "bot": Child("bot", [sys.executable, "-m", "bot"], environment, state.logs / "bot.log"),
        }

    def start(self) -> None:
        self.database.migrate()
        for child in self._children.values():
            child.start()
        until(self._answers)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as response:
                return bool(response.status)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        for child in reversed(self._children.values()):
            child.stop(patience_seconds=10)

    def pid_of(self, name: str) -> int:
        process = self._children[name].process
        if process is None:
            raise ProcessLookupError(name)
        return process.pid


@contextmanager
def running(home: Path, settings: Mapping[str, str], *, workers: bool) -> Iterator[Installation]:
    """Stopped at the end."""
    installation: IntakeAlone | RunningInstallation
    installation = RunningInstallation(home, FEW_DOCUMENTS, **settings) if workers else IntakeAlone(home, settings)
    installation.start()
    try:
        yield installation
    finally:
        installation.stop()
        installation.database.dispose()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """As if it hung: connections stay open and nothing answers, which is worse than a process that is gone."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Cores:
    """How many cores a process, and all that is none of ours, have kept busy since `start`."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._since, self._before = time.monotonic(), self._seconds()

    def busy(self) -> tuple[float, float]:
        passed = time.monotonic() - self._since
        process, others = (now - before for now, before in zip(self._seconds(), self._before, strict=True))
        return process / passed, max(0.0, others) / passed

    def _seconds(self) -> tuple[float, float]:
        machine = psutil.cpu_times()
        return _seconds(self._process), sum(machine) - machine.idle - machine.iowait - _family_seconds()


def _family_seconds() -> float:
    us = psutil.Process()
    ended = us.cpu_times().children_user + us.cpu_times().children_system
    return ended + sum(_seconds(process) for process in [us, *us.children(recursive=True)])


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
