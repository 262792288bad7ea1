"""Lines of our own log files that name something which was erased."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

LINE = b'{"message":"erased"}'
ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def blank(folder: Path, marks: Collection[str]) -> int:
    """Overwrite the lines that name one of them, in place: whoever writes to the file goes on at its end. Returns how
    many there were."""
    ids = frozenset(mark.encode() for mark in marks if ID.fullmatch(mark.encode()))
    written = {form.encode() for mark in marks if mark for form in (mark, json.dumps(mark)[1:-1])} - ids
    names = b"|".join(map(re.escape, sorted(written)))
    named = re.compile(rb"(?<![\w.\x80-\xff-])(?:" + names + rb")(?![\w\x80-\xff-])") if names else None
    blanked = 0
    for path in _logs(folder):
        with path.open("r+b") as file:
            at = 0
            for line in iter(file.readline, b""):
                if not ids.isdisjoint(ID.findall(line)) or (named and named.search(line)):
                    content = line.rstrip(b"\n")
                    file.seek(at)
                    file.write(LINE.ljust(len(content))[: len(content)])
                    file.seek(at + len(line))
                    blanked += 1
                at += len(line)
    return blanked


def delete_older(folder: Path, before: float) -> int:
    """Files that nobody has written to since then (seconds since 1970)."""
    old = [path for path in _logs(folder) if path.stat().st_mtime < before]
    for path in old:
        path.unlink()
    return len(old)


def _logs(folder: Path) -> Iterator[Path]:
    return iter(sorted((*folder.glob("*.log"), *folder.glob("*.log.*"))))
