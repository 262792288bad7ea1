"""What the doors of chat platforms do alike with requests of nobody knows whom."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

MOST_PIECES = 50_000
"""Brackets and commas: a payload has some hundreds. More of them would keep the parser, and all who wait, too busy."""


class Refused(Exception):
    """`status` and a word for whoever sends such things."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status


async def read_body(request: Request, limit: int) -> bytes:
    """Whatever its header says of its length. Raises Refused."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, "too large")
    return bytes(body)


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def decoded(body: bytes) -> str:
    """Raises Refused."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "not UTF-8") from None


def parse_object(text: str, deepest: int) -> dict[str, Any]:
    """A JSON object of texts that can be stored, nested not deeper than `deepest`. Raises Refused."""
    if text.count(",") + text.count("[") + text.count("{") > MOST_PIECES:
        raise Refused(400, "too many pieces")
    try:
        value = json.loads(text, parse_constant=_no_number)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # fails for half a character
    except (ValueError, RecursionError):
        raise Refused(400, "not JSON") from None
    if not isinstance(value, dict) or _is_deeper(value, deepest):
        raise Refused(400, "not a payload")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _is_deeper(value: dict[str, Any], levels: int) -> bool:
    layer: list[Any] = [value]
    for _ in range(levels):
        children = (child for each in layer for child in (each.values() if isinstance(each, dict) else each))
        layer = [child for child in children if isinstance(child, dict | list)]
        if not layer:
            return False
    return True
