"""`answerloop up`: the whole loop on one machine, in the order its parts need each other."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import FrameType

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from answerloop.cli import broker
from answerloop.cli.console import EXIT_CONFIGURATION, EXIT_INCOMPLETE, console
from answerloop.cli.supervise import Child
from answerloop.db.repositories import documents, processes
from answerloop.db.session import Database
from answerloop.errors import AlreadyRunning, ConfigurationError, PortTaken
from answerloop.label_studio import LabelStudioFolder
from answerloop.settings import Settings

WORKER_GROUPS = ("answer", "deliver", "index")
TRAINING_GROUP = "train"
START_SECONDS = 600.0
"""A busy machine takes minutes to load a model; what has ended is told at once."""
NEEDED_BYTES = 2_000_000_000


class Stopped(Exception):
    """Someone pressed Ctrl-C or sent SIGTERM."""


class Up:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state = settings.state
        self._children: list[Child] = []
        self._database = Database(settings.effective_database_url)
        self._environment = self._child_environment()
        self._label_studio = LabelStudioFolder(settings.state.label_studio)
        self._label_studio_said = ""

    def run(self) -> int:
        """Raises ConfigurationError with the sentence to show. Returns the exit code after Ctrl-C."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        with self._alone():
            try:
                self._start()
                if self._settings.review != "off":
                    url = self._url_of(self._settings.review_port)
                    console.print(f"• The dashboard, for reviewers and operators: {url}", highlight=False, markup=False)
                console.print(f"answerloop is ready: {self._url}", highlight=False, markup=False)
                self._watch()
            except Stopped:
                pass
            finally:
                self._stop_all()
        return 0

    # --- steps

    def _start(self) -> None:
        self._check_machine()
        self._run_to_end("Preparing the models", "prepare")
        with self._step("Migrating the database"):
            self._database.migrate()
            self._database.check()
        if not self._settings.broker_url.get_secret_value():
            with self._step("Starting the broker"):
                self._launch("broker", broker.prepare(self._state))
                self._wait(lambda: broker.answers(self._settings.effective_broker_url), "broker")
        with self._database.reading() as session:
            first_start = not documents.sources(session)
        if first_start and self._settings.first_documents:
            self._run_to_end(
                f"Indexing {self._settings.first_documents}", "ingest", str(self._settings.first_documents)
            )
        groups = (*WORKER_GROUPS, *([TRAINING_GROUP] if self._settings.nightly else []))
        for group in groups:
            self._launch(f"worker-{group}", [sys.executable, "-m", "workers", "serve", group])
        self._launch("beat", [sys.executable, "-m", "workers", "beat"])
        self._launch("bot", [sys.executable, "-m", "bot"])
        with self._step("Starting the workers"):
            for group in groups:
                self._wait(lambda name=f"worker-{group}": self._lives(name), f"worker-{group}")  # type: ignore[misc]
        with self._step("Starting the web chat"):
            self._wait(lambda: _is_ok(f"{self._url}/readyz"), "bot")
        if self._settings.review != "off":
            self._start_review()

    def _start_review(self) -> None:
        self._launch("worker-review", [sys.executable, "-m", "review", "worker"])
        self._launch("review", [sys.executable, "-m", "review"])
        with self._step("Starting the dashboard"):
            self._wait(lambda: self._lives("worker-review"), "worker-review")
            self._wait(lambda: _is_ok(f"{self._url_of(self._settings.review_port)}/healthz"), "review")
        if self._settings.review == "label-studio" and not self._settings.label_studio_url:
            self._start_label_studio()

    def _start_label_studio(self) -> None:
        """In the background: the chat does not wait for it, and the first time takes minutes."""
        self._label_studio.status.unlink(missing_ok=True)
        self._launch("label-studio", [sys.executable, "-m", "answerloop", "label-studio"])
        if not self._label_studio.complete.exists():
            console.print("• Label Studio is set up in the background, the chat can be used meanwhile", highlight=False)

    def _check_machine(self) -> None:
        settings = self._settings
        settings.require_identity()
        free = shutil.disk_usage(self._state.root).free
        if free < NEEDED_BYTES:
            raise ConfigurationError(
                f"The disk of {self._state.root} has {free / 1e9:.1f} GB free, {NEEDED_BYTES / 1e9:.0f} GB are needed."
            )
        self._check_port(settings.port, "--port")
        if settings.review != "off":
            self._check_port(settings.review_port, "ANSWERLOOP_REVIEW_PORT")

    def _check_port(self, port: int, choice: str) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._settings.host, port))
            except OSError:
                raise PortTaken(
                    f"Port {port} is taken by another program: stop it, or choose another port with {choice}."
                ) from None

    def _watch(self) -> None:
        while True:
            for child in self._children:
                code = child.ended()
                if code == EXIT_CONFIGURATION and child.name == "label-studio":
                    self._children.remove(child)  # it has said why; the next start tries again
                    break
                if code is not None:
                    console.print(
                        f"{child.name} ended with code {code}; it starts again. Its log: {child.log}", highlight=False
                    )
                child.restart_if_due()
            self._hear_label_studio()
            time.sleep(0.2)

    def _hear_label_studio(self) -> None:
        said = self._label_studio.status.read_text() if self._label_studio.status.exists() else ""
        if said and said != self._label_studio_said:
            console.print(said, highlight=False, markup=False, soft_wrap=True)
            self._label_studio_said = said

    # --- children

    def _launch(self, name: str, command: list[str]) -> None:
        child = Child(name, command, self._environment, self._state.logs / f"{name}.log")
        self._children.append(child)
        child.start()

    def _run_to_end(self, title: str, *arguments: str) -> None:
        """A step of another program that shows its own progress."""
        console.print(f"• {title}", highlight=False)
        done = subprocess.run([sys.executable, "-m", "workers", *arguments], env=self._environment, check=False)
        if done.returncode not in (0, EXIT_INCOMPLETE):  # not all of it: the report has said what
            raise ConfigurationError(f"{title} did not succeed (see above). Start again to continue where it stopped.")

    def _wait(self, is_ready: Callable[[], bool], name: str) -> None:
        child = next(child for child in self._children if child.name == name)
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if child.ended() is not None or time.monotonic() > deadline:
                raise ConfigurationError(
                    f"The {name} did not start. Its last words ({child.log}):\n{child.last_words()}"
                )
            time.sleep(0.1)

    def _lives(self, name: str) -> bool:
        own = {child.process.pid for child in self._children if child.process}
        with self._database.reading() as session:
            return any(process.name == name and process.pid in own for process in processes.alive(session))

    def _stop_all(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave a child behind
        if self._children:
            console.print("Stopping …", highlight=False)
        for child in reversed(self._children):
            if child.name != "broker" and child.process and child.process.poll() is None:
                child.process.terminate()
        for child in reversed(self._children):
            child.stop(patience_seconds=10)

    def _child_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ANSWERLOOP_HOME": str(self._state.root),
            "ANSWERLOOP_PORT": str(self._settings.port),
            "ANSWERLOOP_REVIEW": self._settings.review,
            "PROMETHEUS_MULTIPROC_DIR": str(self._state.metrics),
            "ANSWERLOOP_METRICS_PORT": "0",  # the bot shows what all have written there
            "HF_HUB_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    # --- helpers

    @property
    def _url(self) -> str:
        return self._url_of(self._settings.port)

    def _url_of(self, port: int) -> str:
        host = self._settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the state folder for this process; a killed one lets go by itself."""
        for folder in (self._state.root, self._state.run, self._state.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._state.root.chmod(0o700)  # also when another command made it first
        with self._state.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(f"answerloop already runs on {self._state.root}: stop it first.") from None
            shutil.rmtree(self._state.metrics, ignore_errors=True)
            self._state.metrics.mkdir(mode=0o700)
            yield

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        with Progress(
            SpinnerColumn(), TextColumn(title), TimeElapsedColumn(), console=console, transient=True
        ) as progress:
            progress.add_task(title)
            started = time.monotonic()
            yield
        console.print(f"• {title}: {time.monotonic() - started:.1f} s", highlight=False)


def _is_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
