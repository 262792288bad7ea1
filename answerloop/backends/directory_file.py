"""People and their groups from a YAML file, read again whenever it changes:

    people:
      dev: {name: Dana Devlin, groups: [everyone, hr]}
      visitor: {name: V. Isitor, guest: true}

Every person of the company is in `everyone` and `public`; a guest is in `public` alone; somebody the file does not
name is in no group.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import yaml

from answerloop.domain import EVERYONE, PUBLIC, Person
from answerloop.errors import ConfigurationError

log = logging.getLogger(__name__)


class FileDirectory:
    """A `Directory`. Without a file, everybody is an employee without further groups."""

    def __init__(self, path: Path | None, tenant: str) -> None:
        self._path = path
        self._tenant = tenant
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._people: dict[str, Person] = {}
        if path is not None:
            self._refresh(path)

    def person(self, person_id: str) -> Person:
        if self._path is None:
            return Person(person_id, person_id, frozenset({EVERYONE, PUBLIC}), self._tenant)
        self._refresh(self._path)
        return self._people.get(person_id) or Person(person_id, person_id, frozenset(), self._tenant)

    def _refresh(self, path: Path) -> None:
        """A file that cannot be read at start-up is an error; one that breaks later leaves nobody any groups."""
        with self._lock:
            try:
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                if stamp != self._read_at:
                    self._people = _people(yaml.safe_load(path.read_text()), self._tenant)
                    self._read_at = stamp
            except (OSError, ValueError, yaml.YAMLError) as error:
                if self._read_at is None:
                    raise ConfigurationError(f"The directory file {path} is not usable: {error}") from None
                log.exception(
                    "directory file unusable, nobody has groups",
                    extra={"path": str(path)},
                )
                self._people = {}
                self._read_at = (-1, -1)


def _people(content: Any, tenant: str) -> dict[str, Person]:
    if not isinstance(content, dict) or not isinstance(content.get("people"), dict):
        raise ValueError("expected a mapping with the key `people`")  # noqa: TRY004 - about the file, not a type
    return {str(key): _person(str(key), entry, tenant) for key, entry in content["people"].items()}


def _person(person_id: str, entry: Any, tenant: str) -> Person:
    entry = {} if entry is None else entry
    groups = entry.get("groups", []) if isinstance(entry, dict) else None
    if not isinstance(groups, list) or not all(isinstance(group, str) and group for group in groups):
        raise ValueError(f"{person_id}: expected `groups: [name, …]`")
    own = {PUBLIC} if entry.get("guest") else {EVERYONE, PUBLIC, *groups}
    return Person(person_id, str(entry.get("name", person_id)), frozenset(own), tenant)
