"""What an invoke (a click, a dialog) is answered with while Teams waits, which it does for some seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)


Listener: TypeAlias = Callable[[Mapping[str, Any]], Reply | None]
"""Takes an activity as Teams wrote it. Raises MalformedPayload, DatabaseUnavailable."""
