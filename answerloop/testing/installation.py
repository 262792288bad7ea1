"""A whole installation in a temporary folder, started by the real `answerloop up` and spoken to over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from answerloop.db.repositories import deliveries, documents, processes
from answerloop.db.session import Database
from answerloop.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]
T = TypeVar("T")
START_SECONDS = 400.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: Callable[[], T | None], seconds: float = 60.0, pause: float = 0.1) -> T:
    """The first true value; fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f"still not true after {seconds} s")


class RunningInstallation:
    def __init__(self, home: Path, first_documents: Path, generator: str = "extractive", **settings: str) -> None:
        """`settings` are further ones, by their names in lower case."""
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.review_port = free_port()
        self.dashboard = f"http://127.0.0.1:{self.review_port}"
        self.log = home.parent / f"{home.name}.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSWERLOOP_")},
            "ANSWERLOOP_HOME": str(home),
            "ANSWERLOOP_PORT": str(self.port),
            "ANSWERLOOP_GENERATOR": generator,
            "ANSWERLOOP_MODELS_FOLDER": str(CHECKOUT / ".answerloop" / "models"),
            "ANSWERLOOP_FIRST_DOCUMENTS": str(first_documents),
            "ANSWERLOOP_DIRECTORY_FILE": str(CHECKOUT / "samples" / "access.yaml"),
            "ANSWERLOOP_LEASE_SECONDS": "6",
            "ANSWERLOOP_QUESTIONS_PER_PERSON": "100000",
            "ANSWERLOOP_HUMAN_CONTACT": "people-desk@orrenby.example",
            "ANSWERLOOP_REVIEW_PORT": str(self.review_port),
            "ANSWERLOOP_REVIEW": "off",  # a test that needs it says so: its first start takes minutes
            "ANSWERLOOP_NIGHTLY": "false",  # a night would begin in the middle of a test
            "PYTHONPATH": str(CHECKOUT),  # what is tested is this code, whichever is installed
            "PYTHONWARNINGS": "",
            "HF_HUB_OFFLINE": "1",
            **{f"ANSWERLOOP_{name.upper()}": value for name, value in settings.items()},
        }
        self._settings = Settings(_env_file=None, home=home, **settings)  # type: ignore[call-arg,arg-type]
        self.database = Database(self._settings.effective_database_url)
        self._process: subprocess.Popen[bytes] | None = None

    # --- life

    def start(self) -> None:
        said_before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "answerloop", "up"],
                env=self.environment,
                cwd=self.home.parent,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        ready = f"answerloop is ready: {self.url}"
        until(lambda: self._alive() and ready in self.log.read_bytes()[said_before:].decode(), START_SECONDS)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _alive(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"answerloop up ended:\n{self.log.read_text()}"
        return True

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(30)

    def kill_everything(self) -> None:
        """As if the machine had lost its power."""
        assert self._process is not None
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=10)
        self._process.wait(10)

    def children(self) -> list[psutil.Process]:
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    @property
    def broker_url(self) -> str:
        return self._settings.effective_broker_url

    def kill_broker(self) -> None:
        """It comes back by itself."""
        os.kill(self.pid_of("broker"), signal.SIGKILL)

    def pid_of(self, name: str) -> int:
        if name == "broker":
            return next(process.pid for process in self.children() if "valkey" in process.name())
        own = {process.pid for process in self.children()}

        def found() -> int | None:
            with self.database.reading() as session:
                pids = [row.pid for row in processes.alive(session) if row.name == name and row.pid in own]
            return pids[-1] if pids else None

        return until(found)

    # --- use

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Content-Type": "application/json", "Origin": self.url},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None

    def ask(self, text: str, client_key: str | None = None, conversation: str | None = None) -> str:
        body = {"text": text, "client_key": client_key, "conversation": conversation}
        asked = self.call("POST", "/api/chat/questions", {key: value for key, value in body.items() if value})
        return str(asked["question_id"])

    def snapshot(self, question_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/api/chat/questions/{question_id}"))

    def answer(self, question_id: str, seconds: float = 60.0) -> dict[str, Any]:
        def done() -> dict[str, Any] | None:
            shown = self.snapshot(question_id)
            return shown if shown["stage"] == "done" else None

        return until(done, seconds)

    def chunks(self) -> int:
        with self.database.reading() as session:
            return documents.count_chunks(session)

    def undelivered(self) -> list[str]:
        with self.database.reading() as session:
            return deliveries.undelivered(session)

    def delivery_seconds(self, question_id: str) -> float | None:
        """From the question's row to the delivery of its answer; None before that."""
        with self.database.reading() as session:
            return deliveries.delivery_seconds(session, question_id)
