"""The units of a piece that can be quoted: sentences, list items, table rows. Each makes sense alone, on one line."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

import sentencex
from markdown_it.token import Token

from workers.indexing.outline import parser, visible

MAX_WORDS = 60
MIN_WORDS = 3
_TAG = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_STRONG_BREAK = re.compile(r"(?<=[;:])\s+|\s+(?=[\u2013\u2014]\s)")  # dashes
_WEAK_BREAK = re.compile(r"(?<=,)\s+")


def sentences(text: str, table_header: str = "") -> tuple[str, ...]:
    """`table_header` is the header of a table that began before the text."""
    units = _Reader().read(parser().parse(f"{table_header}\n{text}" if table_header else text))
    return tuple(part for unit in units for part in _cut(unit) if _says_something(part))


class _Reader:
    """Walks the blocks; remembers the line that led into the list it is in ("Employees must:")."""

    def __init__(self) -> None:
        self._lead_ins: list[str] = []
        self._pending = ""

    def read(self, tokens: Sequence[Token]) -> Iterator[str]:
        opened = ""
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type.endswith("list_open"):
                self._lead_ins.append(self._pending)
                self._pending = ""
            elif token.type.endswith("list_close"):
                self._lead_ins.pop()
            elif token.type == "table_open":
                end = next(after for after in range(at, len(tokens)) if tokens[after].type == "table_close")
                yield from [*self._unled(), *_rows(tokens[at:end])]
                at = end
            elif token.type in ("paragraph_open", "heading_open"):
                opened = token.type
            elif token.type == "inline":
                words = visible(token.children or []) if opened == "paragraph_open" else ""
                yield from [*self._unled(), *self._prose(words)]
            elif token.type in ("fence", "code_block"):
                yield from [*self._unled(), *token.content.split("\n")]
            elif token.type == "html_block":
                yield from [*self._unled(), *self._prose(html.unescape(_TAG.sub(" ", token.content)))]
            at += 1
        yield from self._unled()

    def _unled(self) -> list[str]:
        """A line that ended with a colon, when no list came after it."""
        pending, self._pending = self._pending, ""
        return [pending] if pending else []

    def _prose(self, words: str) -> list[str]:
        found = [sentence.strip() for sentence in sentencex.segment("en", words) if sentence.strip()]
        lead_in = self._lead_ins[-1] if self._lead_ins else ""
        if lead_in and found:
            found[0] = f"{lead_in} {found[0]}"
        if found and found[-1].endswith(":"):
            self._pending = found.pop()
        return found


def _rows(tokens: Sequence[Token]) -> Iterator[str]:
    header: list[str] = []
    cells: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append(visible(token.children or []))
        elif token.type == "thead_close":
            header = cells
        elif token.type == "tr_close" and header:
            yield _row(header, cells)


def _row(header: Sequence[str], cells: Sequence[str]) -> str:
    """`Header: value; Header: value`; a table of two columns without a header is `name: value`."""
    names = [*header, *[""] * len(cells)]
    if len(cells) == len(("name", "value")) and not any(header) and all(cells):
        return f"{cells[0]}: {cells[1]}"
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=False) if cell)


def _cut(unit: str) -> Iterator[str]:
    """A unit of too many words in two, at the semicolon, dash or else comma nearest to its middle; then again."""
    unit = " ".join(unit.split())
    if len(unit.split()) <= MAX_WORDS:
        yield unit
        return
    for breaks in (_STRONG_BREAK, _WEAK_BREAK):
        places = [match for match in breaks.finditer(unit) if _far_from_ends(unit, match.start())]
        if places:
            at = min(places, key=lambda match: abs(match.start() - len(unit) / 2))
            yield from _cut(unit[: at.start()])
            yield from _cut(unit[at.end() :])
            return
    yield unit


def _far_from_ends(unit: str, at: int) -> bool:
    return min(at, len(unit) - at) > len(unit) * 0.15


def _says_something(unit: str) -> bool:
    return len(unit.split()) >= MIN_WORDS or any(character.isdigit() for character in unit)
