"""`python -m answerloop.alive`: has the process of this container said lately that it lives? Exit code 1 when not.

For health checks that run every few seconds in every container: it reads a file's age and imports nothing else, not
even the settings.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

SECONDS = 30.0
"""Longer than any two heartbeats are apart."""


def is_alive(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime < SECONDS
    except OSError:
        return False


if __name__ == "__main__":
    named = os.environ.get("ANSWERLOOP_ALIVE_FILE", "")
    sys.exit(0 if named and is_alive(Path(named)) else 1)
