"""The dashboard as a process of its own, over a made-up past; no broker is there, so every job waits in the outbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from answerloop.db.session import Database
from answerloop.testing.installation import CHECKOUT, free_port, until
from answerloop.testing.past import Past, paint
from answerloop.testing.past_nights import CANARY, CANARY_DAYS, SHARE, Nights, paint_nights

PEOPLE = """
people:
  dev: {name: Dana Devlin, email: dana@orrenby.example, groups: [hr, reviewers, operators]}
"""


def speaking() -> dict[str, object]:
    """The pointer, as the workers have left it."""
    since = (datetime.now(UTC) - timedelta(days=CANARY_DAYS)).replace(hour=2, minute=26)
    known = {"live": None, "canary": CANARY, "canary_share": SHARE, "previous": None, "number": 1}
    return {**known, "since": since.isoformat()}


class RunningDashboard:
    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = Database(f"sqlite:///{home / 'answerloop.db'}")
        self.database.migrate()
        self.past: Past = paint(self.database)
        self.nights: Nights = paint_nights(self.database)
        (home / "adapters").mkdir()
        (home / "adapters" / "serving.json").write_text(json.dumps(speaking()))
        directory = home / "people.yaml"
        directory.write_text(PEOPLE)
        self._log = home / "review.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSWERLOOP_")},
            "ANSWERLOOP_HOME": str(home),
            "ANSWERLOOP_REVIEW_PORT": str(self.port),
            "ANSWERLOOP_DIRECTORY_FILE": str(directory),
            "ANSWERLOOP_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONWARNINGS": "",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "review"], env=self._environment, stdout=output, stderr=output, cwd=CHECKOUT
            )
        until(self._answers, 120)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as response:
                return response.status == 200
        except (urllib.error.URLError, TimeoutError):
            return False

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(20)
        self.database.dispose()
        return code
