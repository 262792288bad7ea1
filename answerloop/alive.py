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
"""So old the file may be when it does not say itself how old it may become."""


def is_alive(file: Path) -> bool:
    try:
        age = time.time() - file.stat().st_mtime
        said = file.read_text().strip()
        return age < (float(said) if said else SECONDS)
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    named = os.environ.get("ANSWERLOOP_ALIVE_FILE", "")
    sys.exit(0 if named and is_alive(Path(named)) else 1)
