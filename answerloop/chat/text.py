"""Plain text that has to fit."""

from __future__ import annotations


def shortened(text: str, limit: int) -> str:
    """At most this many characters, cut at a word."""
    if len(text) <= limit:
        return text
    head = text[: limit - 2]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[limit // 2 :] else head} …"
