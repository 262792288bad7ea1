"""Files that browsers may keep: those that all pages share, and each program's own."""

from __future__ import annotations

from pathlib import Path

from starlette.staticfiles import StaticFiles

SHARED = Path(__file__).parent / "static"


class Assets(StaticFiles):
    """A program's own file hides a shared one of the same name."""

    def __init__(self, own: Path) -> None:
        super().__init__(directory=own)
        self.all_directories.append(SHARED)
