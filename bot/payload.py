"""Reading what a chat platform sent: proven to be from it, and still not of the form that we expect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from answerloop.errors import UserFault

LONGEST = 40_000
"""Characters: more than any text of a person in Slack or Teams."""


class MalformedPayload(UserFault):
    """A genuine request that the platform would never send."""


def field(payload: Mapping[str, Any], *path: str) -> str:
    """A string of the payload. Raises MalformedPayload when it is not there."""
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not value or len(value) > LONGEST:
        raise MalformedPayload(f"{'.'.join(path)} is missing")
    return value


def optional(payload: Mapping[str, Any], *path: str) -> str | None:
    try:
        return field(payload, *path)
    except MalformedPayload:
        return None
