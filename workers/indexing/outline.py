"""The headings of a Markdown text and where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_BEGINNING = 50_000


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough; raw HTML is text that stays out of sight."""
    return MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table", "strikethrough"])


@cache
def _block_parser() -> MarkdownIt:
    blocks_only = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    blocks_only.core.ruler.enableOnly(["normalize", "block"])
    return blocks_only


_LINE_BREAK = re.compile(r"\r\n|\r|\n")
"""What the parser takes for one; the other line breaks of Python are ordinary characters to it."""


@dataclass(frozen=True, slots=True)
class Heading:
    """`start` is the character offset of the heading's line, `end` the one after it."""

    start: int
    end: int
    level: int
    text: str


def headings_of(text: str) -> list[Heading]:
    """Headings in order; lines in code fences are none, and neither are those inside lists and quotes."""
    offsets = [0, *(match.end() for match in _LINE_BREAK.finditer(text)), len(text) + 1]
    tokens = _block_parser().parse(text)
    found = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map and inline.content.strip():
            first, last = opening.map
            level = int(opening.tag[1:])
            found.append(Heading(offsets[first], min(offsets[last], len(text)), level, plain_text(inline.content)))
    return found


def first_heading(text: str) -> str | None:
    return next((heading.text for heading in headings_of(text[:_BEGINNING])), None)


def plain_text(inline: str) -> str:
    """A line of Markdown without its markup: links and emphasis become their text, images nothing."""
    tokens = parser().parseInline(inline)
    return visible(tokens[0].children or []) if tokens else ""


def visible(children: list[Token]) -> str:
    parts = (
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in children
        if child.type in ("text", "code_inline", "softbreak", "hardbreak")
    )
    return " ".join("".join(parts).split())
