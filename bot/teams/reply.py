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


def told(text: str) -> Reply:
    """For the eyes of whoever clicked on a card."""
    return Reply(body={"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": text})


def dialog(title: str, card: Mapping[str, Any]) -> Reply:
    """Opens a dialog, or goes on with the one that is open."""
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return Reply(body={"task": {"type": "continue", "value": {"title": title, "height": "large", "card": content}}})


def done(text: str) -> Reply:
    """Ends a dialog with a sentence."""
    return Reply(body={"task": {"type": "message", "value": text}})
