"""People and their groups from a YAML file, read again whenever it changes:

    people:
      dev: {name: Dana Devlin, groups: [everyone, hr], email: dana@example.com}
      finn: {groups: [finance], entra: 8f2d3c1e-0000-4000-8000-000000000001}
      visitor: {name: V. Isitor, guest: true}
    slack_groups:
      S0123ABCD: [finance]
    entra_groups:
      5b1c9a7f-0000-4000-8000-000000000002: [hr]

Every person of the company is in `everyone` and `public`; a guest is in `public` alone; somebody the file does not
name is in no group. People of chat platforms are known by their e-mail address, those of Teams also by their object id
in Entra. A Slack user group is named by its id or its handle, a group of Entra by its object id.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from answerloop.domain import EVERYONE, PUBLIC, Person
from answerloop.errors import ConfigurationError, DirectoryUnavailable

log = logging.getLogger(__name__)

NO_GROUPS: frozenset[str] = frozenset()
Named = dict[str, frozenset[str]]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_OBJECT_ID = re.compile(r"[0-9a-f-]{32,40}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Content:
    people: Mapping[str, Person] = field(default_factory=dict)
    groups_by_email: Named = field(default_factory=dict)
    groups_by_entra: Named = field(default_factory=dict)
    groups_of_slack_group: Named = field(default_factory=dict)
    groups_of_entra_group: Named = field(default_factory=dict)


class FileDirectory:
    """A `Directory`. Without a file, everybody is an employee without further groups."""

    def __init__(self, path: Path | None, tenant: str) -> None:
        self._path = path
        self._tenant = tenant
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._content: _Content | None = _Content()
        if path is not None:
            self._refresh(path)

    def person(self, person_id: str) -> Person:
        if self._path is None:
            return Person(person_id, person_id, frozenset({EVERYONE, PUBLIC}), self._tenant)
        content = self._refresh(self._path) or _Content()
        return content.people.get(person_id) or Person(person_id, person_id, NO_GROUPS, self._tenant)

    def members(self, room: str) -> Sequence[Person]:
        """The file knows no rooms."""
        return ()

    def groups_by_email(self, email: str) -> frozenset[str]:
        """All groups of the person with this address; none when the file has none. Raises DirectoryUnavailable."""
        return self._usable().groups_by_email.get(email.casefold(), NO_GROUPS)

    def groups_by_entra(self, object_id: str) -> frozenset[str]:
        """The same, of the person with this object id in Entra. Raises DirectoryUnavailable."""
        return self._usable().groups_by_entra.get(object_id.casefold(), NO_GROUPS)

    def groups_of_entra_group(self, object_id: str) -> frozenset[str]:
        """Raises DirectoryUnavailable."""
        return self._usable().groups_of_entra_group.get(object_id.casefold(), NO_GROUPS)

    def groups_of_slack_group(self, id_or_handle: str) -> frozenset[str]:
        """Raises DirectoryUnavailable."""
        return self._usable().groups_of_slack_group.get(id_or_handle.casefold(), NO_GROUPS)

    def _usable(self) -> _Content:
        """A guest must not become an employee because the line that says so cannot be read."""
        content = self._refresh(self._path) if self._path else self._content
        if content is None:
            raise DirectoryUnavailable("The directory file is not usable.")
        return content

    def _refresh(self, path: Path) -> _Content | None:
        """A file that cannot be read at start-up is an error; one that breaks later leaves nobody any groups."""
        with self._lock:
            try:
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size)
                if stamp != self._read_at:
                    self._content = _read(yaml.safe_load(path.read_text()), self._tenant)
                    self._read_at = stamp
            except (OSError, ValueError, yaml.YAMLError) as error:
                if self._read_at is None:
                    raise ConfigurationError(f"The directory file {path} is not usable: {error}") from None
                log.exception(
                    "directory file unusable, nobody has groups",
                    extra={"path": str(path)},
                )
                self._content = None
                self._read_at = (-1, -1)
            return self._content


def _read(content: Any, tenant: str) -> _Content:
    if not isinstance(content, dict) or not isinstance(content.get("people"), dict):
        raise ValueError("expected a mapping with the key `people`")  # noqa: TRY004 - about the file, not a type
    found = _Content({}, groups_of_slack_group=_slack_groups(content), groups_of_entra_group=_entra_groups(content))
    people = dict[str, Person]()
    for key, entry in content["people"].items():
        person = people[str(key)] = _person(str(key), entry, tenant)
        facts = entry or {}
        _know(found.groups_by_email, f"{key}: expected an `email`", facts.get("email"), _EMAIL, person.groups)
        _know(
            found.groups_by_entra,
            f"{key}: expected an `entra` object id",
            facts.get("entra"),
            _OBJECT_ID,
            person.groups,
        )
    return replace(found, people=people)


def _know(known: Named, expected: str, name: Any, form: re.Pattern[str], groups: frozenset[str]) -> None:
    if name is None:
        return
    if not isinstance(name, str) or not form.fullmatch(name) or name.casefold() in known:
        raise ValueError(f"{expected} that nobody else has")
    known[name.casefold()] = groups


def _slack_groups(content: Mapping[str, Any]) -> Named:
    listed = content.get("slack_groups") or {}
    if not isinstance(listed, dict):
        raise ValueError("slack_groups: expected `id or handle: [name, …]`")  # noqa: TRY004
    return {str(key).lstrip("@").casefold(): _groups(str(key), groups) for key, groups in listed.items()}


def _entra_groups(content: Mapping[str, Any]) -> Named:
    listed = content.get("entra_groups") or {}
    if not isinstance(listed, dict):
        raise ValueError("entra_groups: expected `object id: [name, …]`")  # noqa: TRY004
    known: Named = {}
    for key, groups in listed.items():
        _know(known, f"entra_groups: {key}: expected an object id", key, _OBJECT_ID, _groups(str(key), groups))
    return known


def _person(person_id: str, entry: Any, tenant: str) -> Person:
    entry = {} if entry is None else entry
    groups = _groups(person_id, entry.get("groups", []) if isinstance(entry, dict) else None)
    own = {PUBLIC} if entry.get("guest") else {EVERYONE, PUBLIC, *groups}
    email = str(entry.get("email") or "").casefold()
    return Person(person_id, str(entry.get("name", person_id)), frozenset(own), tenant, email)


def _groups(whose: str, groups: Any) -> frozenset[str]:
    if not isinstance(groups, list) or not all(isinstance(group, str) and group for group in groups):
        raise ValueError(f"{whose}: expected `groups: [name, …]`")
    return frozenset(groups)
