"""The files of the state folder that must not be lost. The others are made anew, or are of one moment alone."""

from __future__ import annotations

import fcntl
import hashlib
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from answerloop.errors import AlreadyRunning, ArchiveRefused
from answerloop.label_studio import LabelStudioFolder
from answerloop.moving.archive import FileEntry, Reader, second_name
from answerloop.settings import StateFolder

DATABASES = (".sqlite3",)
BESIDE_DATABASES = (".sqlite3-wal", ".sqlite3-shm", ".sqlite3-journal")


def kept(state: StateFolder) -> tuple[Path, ...]:
    """Folders and files, the last of them last: a pointer stands when what it points to is there."""
    ours = LabelStudioFolder(state.label_studio)
    return (
        *(state.session_key, state.receipt_key, state.erasures),
        *(ours.data, ours.secrets, ours.complete),
        *(state.datasets, state.adapters),
    )


def is_kept(state: StateFolder, path: str) -> bool:
    return any((state.root / path).is_relative_to(place) for place in kept(state))


def found(state: StateFolder) -> dict[str, Path]:
    """By their paths in the state folder. What is half written or a lock has a dot before its name."""
    paths: list[Path] = []
    for place in kept(state):
        inside = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        folders_first = sorted(inside, key=lambda path: len(path.relative_to(state.root).parts), reverse=True)
        paths += [path for path in folders_first if path.is_file() and not path.is_symlink()]
    named = {path.relative_to(state.root).as_posix(): path for path in paths}
    return {
        name: path
        for name, path in named.items()
        if not any(part.startswith(".") for part in name.split("/")) and not name.endswith(BESIDE_DATABASES)
    }


def marks(state: StateFolder) -> dict[str, tuple[int, int, int]]:
    """Changes with every file that changes. The review queue's own files change all the time, and are not asked."""
    told = {}
    for name, path in found(state).items():
        if not path.is_relative_to(state.label_studio):
            about = path.stat()
            told[name] = (about.st_ino, about.st_size, about.st_mtime_ns)
    return told


@contextmanager
def held(state: StateFolder) -> Iterator[dict[str, Path]]:
    """Second names of all of them, which stay while the first ones are replaced or deleted. Raises FileNotFoundError
    when one goes meanwhile."""
    beside = state.root / f".exporting-{secrets.token_hex(4)}"
    beside.mkdir(parents=True, mode=0o700)
    try:
        linked = {}
        for number, (name, path) in enumerate(found(state).items()):
            linked[name] = beside / str(number)
            if path.suffix in DATABASES:
                _copy_database(path, linked[name])
            else:
                second_name(path, linked[name])
        yield linked
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def alone(state: StateFolder) -> Iterator[None]:
    """No `answerloop up` on this folder, now and within the block. Raises AlreadyRunning."""
    state.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    with state.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"answerloop runs on {state.root}: stop it first.") from None
        yield


class Unpacked:
    """The files of an archive, beside the places where they belong, until `place` puts them there."""

    def __init__(self, state: StateFolder, reader: Reader) -> None:
        """Raises ArchiveRefused for a file that is none of the state, or where another one is."""
        self._state = state
        self._folder = state.root / ".importing"
        self._files = reader.manifest.files
        for file in self._files:
            if not is_kept(state, file.path):
                raise ArchiveRefused(f"The archive names a file that is no state: {file.path}.")
        self._require_room()
        shutil.rmtree(self._folder, ignore_errors=True)  # of an import that was killed
        self._folder.mkdir(parents=True, mode=0o700)
        for number, file in enumerate(self._files):
            reader.copy(file, self._folder / str(number))

    def place(self) -> None:
        """Each in one step. What a killed import has placed is found there by the next one."""
        for number, file in enumerate(self._files):
            target = self._state.root / file.path
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = target.with_name(f".{target.name}.importing")  # on the same file system as its place
            beside.unlink(missing_ok=True)
            second_name(self._folder / str(number), beside)
            beside.replace(target)

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _require_room(self) -> None:
        there = found(self._state)
        coming = {file.path: file for file in self._files}
        strange = [name for name, path in there.items() if name not in coming or not _is(path, coming[name])]
        if strange:
            raise ArchiveRefused(
                f"{self._state.root} is not empty: {strange[0]} is another one's. Put this folder aside and import "
                "into an empty one."
            )


def _copy_database(path: Path, to: Path) -> None:
    """A whole one, whoever writes meanwhile."""
    with (
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)


def _is(path: Path, entry: FileEntry) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
