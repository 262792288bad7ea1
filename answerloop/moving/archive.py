"""One file that holds everything: a plain tar of `tables/<name>.jsonl.gz` and `files/<path>`, its manifest last.

The manifest names every member with its size and SHA-256, so its existence means that the rest is there. The sums tell
damage, not malice: whoever can write an archive can write new sums.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from answerloop.errors import ArchiveRefused, ConfigurationError

FORMAT = 1
MANIFEST = "manifest.json"
MOST_MANIFEST_BYTES = 256_000_000
MOST_LINE_BYTES = 512_000_000
PIECE = 1 << 20


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableEntry(_Told):
    """`size` is of the compressed member, `sha256` of the lines in it: the same rows have the same sum everywhere."""

    name: str
    columns: tuple[str, ...]
    rows: int = Field(ge=0)
    size: int = Field(ge=0)
    sha256: str

    @property
    def member(self) -> str:
        return f"tables/{self.name}.jsonl.gz"


class FileEntry(_Told):
    """`path` is relative to the state folder."""

    path: str
    size: int = Field(ge=0)
    sha256: str

    @property
    def member(self) -> str:
        return f"files/{self.path}"


class Manifest(_Told):
    """`revision` is of the tables (Alembic). `live`: processes were at work while it was written."""

    format: Literal[1] = 1
    answerloop: str
    created_at: datetime
    revision: str
    database: str
    live: bool
    embedder: str
    tables: tuple[TableEntry, ...]
    files: tuple[FileEntry, ...]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


class Writer:
    """Writes beside `path` and puts it there when it is whole; the file is for its owner's eyes alone."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError where there is something already."""
        if path.exists():
            raise ConfigurationError(f"{path} is there already: name another file.")
        if not path.parent.is_dir():
            raise ConfigurationError(f"There is no folder {path.parent}.")
        self._path = path
        self._beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        self.tables: list[TableEntry] = []
        self.files: list[FileEntry] = []

    def __enter__(self) -> Writer:
        self._file = os.fdopen(os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._file.close()
        if kind is not None:
            self._beside.unlink()

    def add_table(self, name: str, columns: tuple[str, ...], lines: Iterable[bytes]) -> None:
        digest, rows = hashlib.sha256(), 0
        with tempfile.TemporaryFile(dir=self._beside.parent) as spool:
            with gzip.GzipFile(filename="", fileobj=spool, mode="wb", compresslevel=5, mtime=0) as packed:
                for line in lines:
                    packed.write(line)
                    digest.update(line)
                    rows += 1
            size = spool.tell()
            spool.seek(0)
            entry = TableEntry(name=name, columns=columns, rows=rows, size=size, sha256=digest.hexdigest())
            self._add(entry.member, size, spool)
        self.tables.append(entry)

    def add_file(self, path: str, source: Path) -> None:
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            read = _Summed(file)
            self._add(f"files/{path}", size, read)
        self.files.append(FileEntry(path=path, size=size, sha256=read.sum.hexdigest()))

    def finish(self, manifest: Manifest) -> None:
        content = manifest.model_dump_json(indent=1).encode()
        self._add(MANIFEST, len(content), io.BytesIO(content))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        second_name(self._beside, self._path)  # never over something that came meanwhile
        self._beside.unlink()

    def _add(self, name: str, size: int, content: _Readable) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, content)


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class _Summed:
    """Passes on what is read and adds it up."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sum = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self.sum.update(piece)
        return piece


class Reader:
    """An archive whose members are the ones that its manifest names, no more and no fewer, and plain files all.

    Nothing is ever unpacked by the names in it: whoever reads asks for an entry of the manifest.
    """

    def __init__(self, path: Path) -> None:
        """Raises ArchiveRefused."""
        with ExitStack() as opened:
            try:
                self._tar = opened.enter_context(tarfile.open(path, mode="r:"))
                self._members = {member.name: member for member in self._tar}
            except FileNotFoundError:
                raise ArchiveRefused(f"There is no {path}.") from None
            except OSError as error:
                raise ArchiveRefused(f"{path} cannot be read: {error.strerror}.") from None
            except (tarfile.TarError, EOFError, ValueError) as error:
                raise ArchiveRefused(f"{path} is no archive of ours, or a part of one: {error}") from None
            self.manifest = self._manifest(path)
            self._compare()
            self._opened = opened.pop_all()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def verify(self) -> None:
        """Every byte is the one that was written. Raises ArchiveRefused."""
        for table in self.manifest.tables:
            digest, rows = hashlib.sha256(), 0
            for line in self.lines(table):
                digest.update(line)
                rows += 1
            if (rows, digest.hexdigest()) != (table.rows, table.sha256):
                raise ArchiveRefused(f"The table {table.name} is damaged in the archive.")
        for file in self.manifest.files:
            self.copy(file, None)

    def lines(self, table: TableEntry) -> Iterator[bytes]:
        try:
            with self._open(table.member) as packed, gzip.GzipFile(fileobj=packed) as lines:
                while line := lines.readline(MOST_LINE_BYTES):
                    if not line.endswith(b"\n"):
                        raise ArchiveRefused(f"A line of the table {table.name} has no end.")
                    yield line
        except (OSError, EOFError, tarfile.TarError) as error:
            raise ArchiveRefused(f"The table {table.name} is damaged in the archive: {error}") from None

    def copy(self, file: FileEntry, to: Path | None) -> None:
        """Raises ArchiveRefused when it is not what the manifest says."""
        target = os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") if to else None
        digest = hashlib.sha256()
        try:
            with self._open(file.member) as source:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    if target:
                        target.write(piece)
        except tarfile.TarError as error:
            raise ArchiveRefused(f"{file.path} is damaged in the archive: {error}") from None
        finally:
            if target:
                target.flush()
                os.fsync(target.fileno())
                target.close()
        if digest.hexdigest() != file.sha256:
            raise ArchiveRefused(f"{file.path} is damaged in the archive.")

    def _manifest(self, path: Path) -> Manifest:
        member = self._members.get(MANIFEST)
        if member is None or not member.isreg() or member.size > MOST_MANIFEST_BYTES:
            raise ArchiveRefused(f"{path} has no manifest: it is no archive of ours, or a part of one.")
        try:
            with self._open(MANIFEST) as file:
                content = file.read()
        except tarfile.TarError as error:
            raise ArchiveRefused(f"{path} is a part of one: {error}") from None
        try:
            return Manifest.model_validate_json(content)
        except ValidationError as error:
            if error.errors()[0]["loc"] == ("format",):
                raise ArchiveRefused(
                    f"{path} has another format than {FORMAT}, which this program reads: import it with the answerloop "
                    "that wrote it."
                ) from None
            raise ArchiveRefused(f"The manifest of {path} cannot be read: {error.errors()[0]['msg']}.") from None

    def _compare(self) -> None:
        entries: list[TableEntry | FileEntry] = [*self.manifest.tables, *self.manifest.files]
        told = {entry.member: entry.size for entry in entries}
        if len(told) != len(entries) or len(self._members) != len(self._tar.getmembers()):
            raise ArchiveRefused("The archive names something twice.")
        if strange := sorted(set(told) ^ (set(self._members) - {MANIFEST})):
            raise ArchiveRefused(f"The archive and its manifest do not agree about {strange[0]}.")
        for name, size in told.items():
            if not self._members[name].isreg() or self._members[name].size != size:
                raise ArchiveRefused(f"{name} is not the file that the manifest tells of.")
        for file in self.manifest.files:
            if not is_inside(file.path):
                raise ArchiveRefused(f"The archive names a file outside of the state folder: {file.path}.")

    def _open(self, name: str) -> IO[bytes]:
        found = self._tar.extractfile(self._members[name])
        if found is None:
            raise ArchiveRefused(f"{name} is not in the archive.")
        return found


def second_name(file: Path, name: Path) -> None:
    """Raises FileExistsError. Not every file system has links, and none has them to another one: then it is a copy."""
    try:
        os.link(file, name)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        with file.open("rb") as source, name.open("xb") as target:
            name.chmod(0o600)
            shutil.copyfileobj(source, target, PIECE)
            target.flush()
            os.fsync(target.fileno())


def is_inside(path: str) -> bool:
    """Whether it is a plain relative path, with the same meaning on every system."""
    parts = path.split("/")
    plain = all(part not in ("", ".", "..") and not set(part) & set("\\\0:") for part in parts)
    return plain and not PurePosixPath(path).is_absolute()
