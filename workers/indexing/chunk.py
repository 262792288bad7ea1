"""Splits a document into coherent pieces that fit the embedder together with the line they are embedded with."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from semantic_text_splitter import MarkdownSplitter

from workers.indexing.outline import Heading, headings_of
from workers.indexing.sentences import sentences

__all__ = ["Piece", "embedding_text", "sentences", "split"]

TINY_WORDS = 15
MAX_PREFIX_CHARACTERS = 160
_MIN_CAPACITY = 16
_BLOCK = 20_000  # characters: the splitter's time grows faster than the length of its text
_UNIT = re.compile(r"\S{1,32}")
_HEADING_LINES = re.compile(r"(?:#{1,6}[ \t][^\n]*\n\s*)+")
_TABLE_RULE = re.compile(r"\|(\s*:?-+:?\s*\|)+\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` is document[start:end]; `headings` is the path in force where it starts, from the outside in.

    `table_header` is set when the piece begins in the middle of a table: the two lines the table began with.
    """

    text: str
    start: int
    end: int
    headings: tuple[str, ...]
    table_header: str = ""


def split(text: str, title: str, count_tokens: Callable[[str], int], max_tokens: int) -> list[Piece]:
    """Pieces in order that cover every word of the text. `count_tokens` counts special tokens too."""
    return _Splitter(text, title, count_tokens, max_tokens).pieces()


def embedding_text(title: str, headings: tuple[str, ...], text: str) -> str:
    """What is embedded for a piece: one line that says where it stands, then its words."""
    bare = _HEADING_LINES.match(text + "\n")
    return f"{_prefix(title, headings)}\n{text[bare.end() :] if bare else text}"


def _prefix(title: str, headings: tuple[str, ...]) -> str:
    path = [title, *(heading for heading in headings if heading.casefold() != title.casefold())]
    while path[2:] and len(" > ".join(path)) > MAX_PREFIX_CHARACTERS:
        del path[1]
    return " > ".join(path)[:MAX_PREFIX_CHARACTERS]


class _Splitter:
    def __init__(self, text: str, title: str, count_tokens: Callable[[str], int], max_tokens: int) -> None:
        self._text = text
        self._title = title
        self._count = count_tokens
        self._max = max_tokens
        self._special = count_tokens("")
        self._costs: dict[str, int] = {}
        self._headings = headings_of(text)
        self._starts = [heading.start for heading in self._headings]
        self._paths = list(_paths(self._headings))

    def pieces(self) -> list[Piece]:
        spans = [span for start, end in self._blocks() for span in self._spans(start, end)]
        return list(self._with_table_headers(self._piece(*span) for span in self._merged(spans)))

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """The text in parts of about _BLOCK characters, cut at a heading, else between paragraphs, else anywhere."""
        start = 0
        while len(self._text) - start > 2 * _BLOCK:
            low, high = start + _BLOCK, start + 2 * _BLOCK
            at = bisect_right(self._starts, low)
            cut = self._starts[at] if at < len(self._starts) and self._starts[at] <= high else -1
            for separator in ("\n\n", "\n", " "):
                if cut < 0:
                    cut = self._text.rfind(separator, low, high)
            cut = cut if cut > 0 else high
            yield start, cut
            start = cut
        yield start, len(self._text)

    def _spans(self, start: int, end: int, capacity: int = 0) -> Iterator[tuple[int, int]]:
        """Spans of [start:end] that fit. Costs are estimated word by word, then counted, and cut smaller if need be."""
        capacity = capacity or self._capacity(start, end)
        splitter = MarkdownSplitter.from_callback(lambda part: self._cost(part, capacity), capacity)
        for offset, part in splitter.chunk_indices(self._text[start:end]):
            if not part.strip():
                continue
            first, last = start + offset, start + offset + len(part)
            if capacity > _MIN_CAPACITY and not self._fits(first, last):
                yield from self._spans(first, last, max(_MIN_CAPACITY, capacity * 3 // 4))
            else:
                yield first, last

    def _capacity(self, start: int, end: int) -> int:
        first, last = bisect_right(self._starts, start), bisect_right(self._starts, end)
        paths = {self._path(start), *self._paths[first:last]}
        reserved = max(self._cost(_prefix(self._title, path), self._max) for path in paths)
        return max(_MIN_CAPACITY, self._max - self._special - reserved)

    def _cost(self, part: str, limit: int) -> int:
        """Tokens of the part without special ones, or limit + 1 as soon as it is known to be more."""
        total, known = 0, self._costs
        for match in _UNIT.finditer(part):
            unit = match[0]
            cost = known.get(unit)
            if cost is None:
                cost = known[unit] = max(1, self._count(unit) - self._special)
            total += cost
            if total > limit:
                return limit + 1
        return total

    def _merged(self, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Spans of a few words joined to the one before, or after where they are but a heading, if that fits."""
        merged: list[tuple[int, int]] = []
        for span in spans:
            last = merged[-1] if merged else None
            tiny = last is not None and (self._is_tiny(*last) or (self._is_tiny(*span) and not self._opens(span)))
            if last and tiny and self._fits(last[0], span[1]):
                merged[-1] = (last[0], span[1])
            else:
                merged.append(span)
        return merged

    def _is_tiny(self, start: int, end: int) -> bool:
        return len(_HEADING_LINES.sub("", self._text[start:end] + "\n").split()) < TINY_WORDS

    def _opens(self, span: tuple[int, int]) -> bool:
        at = bisect_right(self._starts, span[0])
        return at > 0 and self._starts[at - 1] == span[0] and span[1] < len(self._text.rstrip())

    def _fits(self, start: int, end: int) -> bool:
        text = embedding_text(self._title, self._path(start), self._text[start:end])
        return self._cost(text, self._max) <= self._max and self._count(text) <= self._max

    def _path(self, start: int) -> tuple[str, ...]:
        """A heading right at the start counts, and so do the ones that follow it with nothing in between."""
        at = bisect_right(self._starts, start)
        while 0 < at < len(self._headings) and self._headings[at - 1].start >= start:
            above, below = self._headings[at - 1], self._headings[at]
            if below.level <= above.level or self._text[above.end : below.start].strip():
                break
            at += 1
        return self._paths[at - 1] if at else ()

    def _piece(self, start: int, end: int) -> Piece:
        return Piece(self._text[start:end], start, end, self._path(start))

    def _with_table_headers(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        header, expected = "", -1
        for piece in pieces:
            lines = piece.text.split("\n")
            continues = lines[0].startswith("|") and not self._text[expected : piece.start].strip(" \n") and header
            inherited = header if continues and "\n\n" not in self._text[expected : piece.start] else ""
            yield replace(piece, table_header=inherited)
            header, expected = _open_table(lines, inherited), piece.end


def _open_table(lines: list[str], inherited: str) -> str:
    """The header of the table that the lines end in, if they do."""
    first = len(lines)
    while first and lines[first - 1].startswith("|"):
        first -= 1
    table = lines[first:]
    if len(table) > 1 and _TABLE_RULE.fullmatch(table[1]):
        return "\n".join(table[:2])
    return inherited if table and first == 0 else ""


def _paths(headings: list[Heading]) -> Iterator[tuple[str, ...]]:
    path: list[Heading] = []
    for heading in headings:
        path = [above for above in path if above.level < heading.level] + [heading]
        yield tuple(step.text for step in path)
