"""A message ready for Slack, and what Slack would say against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Block = dict[str, Any]

MOST_BLOCKS = 50
MOST_TEXT = 4000
MOST_SECTION = 3000
MOST_TOGETHER = 12_000
MOST_CONTEXT = 10
MOST_ACTIONS = 25
MOST_ICONS = 5
MOST_VALUE = 2000
MOST_LABEL = 75


class Style(StrEnum):
    """Which blocks a workspace is given."""

    MODERN = "modern"
    CLASSIC = "classic"


@dataclass(frozen=True, slots=True)
class Rendered:
    """`text` is what notifications and screen readers are told."""

    text: str
    blocks: list[Block]


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def label(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}


def button(text: str, action: str, value: str, style: str | None = None) -> Block:
    shown = {"type": "button", "text": label(text), "action_id": action, "value": value}
    return shown | ({"style": style} if style else {})


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def problems(rendered: Rendered) -> list[str]:
    """Every limit of Slack's that the message breaks (documented limits)."""
    found = []
    if not 0 < len(rendered.text) <= MOST_TEXT:
        found.append(f"text has {len(rendered.text)} characters")
    if len(rendered.blocks) > MOST_BLOCKS:
        found.append(f"{len(rendered.blocks)} blocks")
    if len(json.dumps(rendered.blocks, ensure_ascii=False)) > MOST_TOGETHER:
        found.append("blocks are too long together")
    for block in rendered.blocks:
        found.extend(f"{block['type']}: {problem}" for problem in _problems(block))
    return found


def _problems(block: Block) -> Iterator[str]:
    match block["type"]:
        case "section":
            yield from _length(block["text"]["text"], MOST_SECTION)
        case "context":
            yield from _number(block["elements"], MOST_CONTEXT)
            for each in block["elements"]:
                yield from _length(each["text"], MOST_SECTION)
        case "actions":
            yield from _number(block["elements"], MOST_ACTIONS)
            for each in block["elements"]:
                yield from _length(each["text"]["text"], MOST_LABEL)
                yield from _length(each["value"], MOST_VALUE)
        case "context_actions":
            yield from _number(block["elements"], MOST_ICONS)
        case "markdown":
            yield from _length(block["text"], MOST_TOGETHER)
        case other:
            yield f"unknown type {other}"


def _length(text: str, most: int) -> Iterator[str]:
    if not 0 < len(text) <= most:
        yield f"{len(text)} characters"


def _number(elements: list[Block], most: int) -> Iterator[str]:
    if not 0 < len(elements) <= most:
        yield f"{len(elements)} elements"
