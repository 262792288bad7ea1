"""Label Studio in an environment of its own: installed once, then started, watched, and stopped with us.

It reads plain names such as `HOST`, `USERNAME` and `DEBUG` from its environment, so it is given none but ours. Nothing
of it leaves the machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from answerloop.cli.broker import free_port
from answerloop.cli.console import EXIT_CONFIGURATION, EXIT_INCOMPLETE
from answerloop.cli.supervise import Child
from answerloop.errors import AlreadyRunning
from answerloop.label_studio import VERSION, LabelStudioFolder, is_up, lets_in, own_secrets, server_environment
from answerloop.settings import Settings

NEEDED_BYTES = 1_500_000_000
START_SECONDS = 600.0
PORT_SECONDS = 5.0
NICENESS = 10
LOCK = Path(__file__).with_suffix(".lock")


class Stopped(Exception):
    """Someone wants us to end."""


class CannotInstall(Exception):
    """The sentence says why."""


class LabelStudioServer:
    def __init__(self, settings: Settings, *, prepare: bool = False) -> None:
        self._folder = LabelStudioFolder(settings.state.label_studio)
        self._wanted_port = settings.label_studio_port
        self._prepare = prepare

    def run(self) -> int:
        """Install what is missing and serve until SIGTERM. Returns EXIT_CONFIGURATION when it cannot be installed."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        os.nice(NICENESS)
        with self._alone():
            try:
                self._install()
                return self._serve()
            except CannotInstall as error:
                self._folder.impossible.write_text(f"{error}\n")
                self._say(f"Label Studio cannot be installed: {error} Answers are judged on the review page instead.")
                return EXIT_CONFIGURATION
            except Stopped:
                return 0
            finally:
                self._folder.url.unlink(missing_ok=True)

    # --- installing

    def _install(self) -> None:
        wanted = f"label-studio=={VERSION}"
        folder = self._folder
        if folder.program.exists() and folder.installed.exists() and folder.installed.read_text() == wanted:
            return
        free = shutil.disk_usage(self._folder.root).free
        if free < NEEDED_BYTES:
            raise CannotInstall(f"{free / 1e9:.1f} GB are free, {NEEDED_BYTES / 1e9:.1f} GB are needed.")
        self._say("Label Studio is being installed in the background (about 1 GB, some minutes).")
        self._command([sys.executable, "-m", "venv", "--clear", str(self._folder.venv)])
        pip = [str(self._folder.venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        self._command([*pip, "--quiet", "--constraint", str(LOCK), wanted])
        self._folder.installed.write_text(wanted)  # last: what stands before it is complete
        self._folder.impossible.unlink(missing_ok=True)

    def _command(self, command: list[str]) -> None:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said, _ = process.communicate()
        finally:
            process.kill()
        print(said, end="", flush=True)  # noqa: T201 - into our log
        if process.returncode:
            lines = [line for line in said.splitlines() if line.strip()]
            reason = next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "no reason")
            raise CannotInstall(f"{reason.removeprefix('ERROR: ').rstrip('.')}.")

    # --- serving

    def _serve(self) -> int:
        folder = self._folder
        if not folder.complete.exists() and folder.data.exists():
            shutil.rmtree(folder.data)  # a first start that died half-way: nothing is in there yet
        folder.data.mkdir(exist_ok=True, mode=0o700)
        first = not folder.complete.exists()
        self._say("Label Studio prepares its database." if first else "Label Studio starts.")
        port = self._port()
        url = f"http://127.0.0.1:{port}"
        address = ["--internal-host", "127.0.0.1", "--port", str(port)]
        secrets = own_secrets(folder)
        child = Child(
            "label-studio",
            [str(folder.program), "start", "--no-browser", *address],
            server_environment(folder.data, secrets),
            folder.log,
        )
        try:
            child.start()
            if not self._answers(child, url):
                self._say(f"Label Studio does not start. Its log: {folder.log}")
                return EXIT_INCOMPLETE
            if first and not lets_in(url, secrets.token):
                self._say("Label Studio came up without our account, and is set up anew.")
                return EXIT_INCOMPLETE
            folder.complete.touch()
            if self._prepare:
                return 0
            _write(folder.url, url)
            self._say(f"Label Studio is ready: {url}")
            while child.ended() is None:
                time.sleep(0.2)
            self._say("Label Studio has ended.")
            return EXIT_INCOMPLETE
        finally:
            child.stop(patience_seconds=8)

    def _port(self) -> int:
        """The one that was asked for; a free one where another program has it. A server of ours that was left behind
        is given a moment to end."""
        deadline = time.monotonic() + PORT_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", self._wanted_port))
                except OSError:
                    time.sleep(0.3)
                else:
                    return self._wanted_port
        return free_port()

    def _answers(self, child: Child, url: str) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and child.ended() is None:
            if is_up(url):
                return True
            time.sleep(0.3)
        return False

    def _say(self, text: str) -> None:
        print(text, flush=True)  # noqa: T201 - into our log
        _write(self._folder.status, text)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._folder.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(f"Label Studio already runs on {self._folder.root}.") from None
            yield


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
