"""Walks a registered location: which documents there are, who may read them, and what changed. Reads no document."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from answerloop.domain import EVERYONE
from answerloop.errors import DocumentRejected
from workers.indexing.document import groups_from, leave_below, leave_from, storable, trust_from
from workers.indexing.extract import SUFFIXES

ACCESS_FILE = ".access.yaml"
_MISNAMED_ACCESS_FILES = (".access.yml", ".access")
_MAX_ACCESS_FILE = 10_000
_TENANT = re.compile(r"[A-Za-z0-9_.-]{1,80}")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One document of a source, not read yet: either a file at `path` or a `row` of a JSONL file.

    `allow` holds unless the document says otherwise; `trusted` is false where outsiders may write, and nothing below
    can raise it; `may_leave` is what the source, its folders and the row say of models outside the house.
    `fingerprint` (64 characters) changes with the content and with each of these. `skipped` and `rejected` are reasons
    why there is nothing to read; a key that ends in "/" is a folder that cannot be listed.
    """

    key: str
    fingerprint: str = ""
    allow: tuple[str, ...] = ()
    trusted: bool = True
    may_leave: bool | None = None
    path: Path | None = None
    row: dict[str, Any] | None = None
    tenant: str | None = None
    skipped: str | None = None
    rejected: str | None = None


def walk(
    location: Path, allow: Sequence[str] = (), trusted: bool = True, may_leave: bool | None = None
) -> Iterator[SourceItem]:
    """The documents of a folder, a file or a `.jsonl` file, sorted by path; `allow`, `trusted` and `may_leave` are the
    source's own.

    Raises DocumentRejected when the location itself is not there or cannot be read: that is no reason to take its
    documents for deleted.
    """
    try:
        root = location.resolve(strict=True)
        folder = root if root.is_dir() else root.parent
        above = _Access(tuple(allow)) if allow else _access_above(folder)
        leave = False if _must_stay(folder) else leave_below(above.may_leave, may_leave)
        access = _access(folder, replace(above, trusted=above.trusted and trusted, may_leave=leave))
        if root.is_dir():
            yield from _folder(root, root, access, own_entries=_entries(root))
        elif root.suffix.lower() == ".jsonl":
            yield from _rows(root, access)
        else:
            yield _file(root, root.parent, access)
    except OSError as error:
        raise DocumentRejected(f"{location}: {_reason(error)}") from None


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may read what lies in a folder, or why that is not known; whether the company alone writes there; and whether
    models outside the house may be shown it."""

    allow: tuple[str, ...]
    problem: str | None = None
    trusted: bool = True
    may_leave: bool | None = None

    @property
    def marks(self) -> tuple[object, ...]:
        """What changes a fingerprint. A document of which nobody has said that it may leave keeps the one it had."""
        return (self.allow, self.trusted, *(() if self.may_leave is None else (self.may_leave,)))

    @classmethod
    def unknown(cls, problem: str) -> _Access:
        return cls((), problem, trusted=False, may_leave=False)


def _folder(folder: Path, root: Path, access: _Access, own_entries: list[os.DirEntry[str]]) -> Iterator[SourceItem]:
    for entry in own_entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if entry.is_symlink():
            yield SourceItem(_key(path, root), skipped="a link: links are not followed")
        elif entry.is_dir():
            try:
                below, entries = _access(path, access), _entries(path)
            except OSError as error:
                yield SourceItem(_key(path, root) + "/", rejected=_reason(error))
            else:
                yield from _folder(path, root, below, entries)
        else:
            yield _file(path, root, access)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _file(path: Path, root: Path, access: _Access) -> SourceItem:
    key = _key(path, root)
    if not storable(key):
        return SourceItem(key.encode("utf-8", "replace").decode(), rejected="its name cannot be stored")
    try:
        status = path.stat(follow_symlinks=False)
    except OSError as error:
        return SourceItem(key, rejected=_reason(error))
    if path.suffix.lower() not in SUFFIXES:
        return SourceItem(key, skipped=f"not a format we read ({path.suffix or 'no ending'})")
    if not stat.S_ISREG(status.st_mode):
        return SourceItem(key, rejected="not a regular file")
    if access.problem:
        return SourceItem(key, rejected=access.problem)
    state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    fingerprint = _fingerprint(state, *access.marks)
    return SourceItem(key, fingerprint, access.allow, access.trusted, access.may_leave, path=path)


def _access_above(folder: Path) -> _Access:
    """The access file nearest above a source whose registration names no readers: part of a closed tree stays so."""
    nearest = next((parent for parent in folder.parents if os.path.lexists(parent / ACCESS_FILE)), None)
    return _access(nearest, _Access(())) if nearest else _Access((EVERYONE,))


def _must_stay(folder: Path) -> bool:
    """Whether a folder anywhere above the source says, or may have meant, that nothing of it leaves the house."""
    return any(_access(parent, _Access(())).may_leave is False for parent in folder.parents)


def _access(folder: Path, inherited: _Access) -> _Access:
    """What a folder's own access file says, else what is inherited. Whatever is not understood closes the folder."""
    misnamed = next((name for name in _MISNAMED_ACCESS_FILES if os.path.lexists(folder / name)), None)
    if misnamed:
        return _Access.unknown(f"{misnamed} must be named {ACCESS_FILE}")
    if not os.path.lexists(folder / ACCESS_FILE):
        return inherited
    try:
        own = _access_file(folder / ACCESS_FILE)
        leave = leave_below(inherited.may_leave, own.may_leave)
        return replace(own, trusted=own.trusted and inherited.trusted, may_leave=leave)
    except DocumentRejected as error:
        return _Access.unknown(str(error))


def _access_file(path: Path) -> _Access:
    if not path.is_file():
        raise DocumentRejected(f"{ACCESS_FILE}: not a regular file")
    try:
        if path.stat().st_size > _MAX_ACCESS_FILE:
            raise DocumentRejected(f"{ACCESS_FILE}: too long")
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DocumentRejected(f"{ACCESS_FILE}: {_reason(error)}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise DocumentRejected(f"{ACCESS_FILE}: not valid YAML") from None
    if not isinstance(content, dict) or "allow" not in content or not set(content) <= {"allow", "trust", "may_leave"}:
        raise DocumentRejected(
            f"{ACCESS_FILE}: must hold `allow: [group, …]`, may hold `trust: untrusted` and `may_leave: true|false`, "
            "nothing else"
        )
    return _Access(
        groups_from(content["allow"], ACCESS_FILE),
        trusted=trust_from(content.get("trust", "trusted"), ACCESS_FILE),
        may_leave=leave_from(content["may_leave"], ACCESS_FILE) if "may_leave" in content else None,
    )


def _rows(path: Path, access: _Access) -> Iterator[SourceItem]:
    seen: set[tuple[str | None, str]] = set()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                item = _row(line, access, seen)
            except DocumentRejected as error:
                yield SourceItem(f"line {number}", rejected=f"line {number}: {error}")
            else:
                seen.add((item.tenant, item.key))
                yield item


def _row(line: bytes, access: _Access, seen: set[tuple[str | None, str]]) -> SourceItem:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise DocumentRejected("not valid JSON") from None
    if not isinstance(row, dict):
        raise DocumentRejected("not a JSON object")
    key, text, tenant = row.get("id"), row.get("text"), row.get("tenant")
    if not isinstance(key, str) or not key.strip():
        raise DocumentRejected("id is missing or no text")
    if not isinstance(text, str):
        raise DocumentRejected("text is missing or no text")
    if not storable(key):
        raise DocumentRejected("id cannot be stored: not Unicode, or over 1,000 characters")
    if "tenant" in row and not (isinstance(tenant, str) and _TENANT.fullmatch(tenant)):
        raise DocumentRejected("tenant is not a name")
    if (tenant, key) in seen:
        raise DocumentRejected(f"the id {key!r} was used before")
    if "allow" not in row and access.problem:
        raise DocumentRejected(access.problem)
    allow = groups_from(row["allow"], "row") if "allow" in row else access.allow
    trusted = access.trusted and trust_from(row.get("trust", "trusted"), "row")
    own = leave_from(row["may_leave"], "row") if "may_leave" in row else None
    leave = leave_below(access.may_leave, own if own is False or trusted else None)
    marks = replace(access, allow=allow, trusted=trusted, may_leave=leave).marks
    return SourceItem(key, _fingerprint(line.strip(), *marks), allow, trusted, leave, row=row, tenant=tenant)


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _key(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()
