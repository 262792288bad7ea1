"""Finds the tables of a printed page by where its lines stand: cells side by side, row under row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

_MARKER = re.compile(r"[●•▪◦○‣∙·\-\u2013*]|\(?(\d{1,2}|[a-z])[.)]")
_COLUMN_GAP = 15.0
_SAME_COLUMN = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """`size`, `x` and `y` in points, `y` upwards; `bold` when all of it is. A table's row has `cells`."""

    text: str
    size: float
    bold: bool
    x: float = 0.0
    y: float = 0.0
    cells: tuple[str, ...] = ()


@dataclass(slots=True)
class _Row:
    """Lines of one cell after the other, from left to right."""

    cells: list[list[Line]]

    def takes(self, line: Line) -> bool:
        """Adds the line if it belongs to this row: below in the same cell of several, or to the right of the last."""
        last = self.cells[-1]
        if line.x > last[0].x + _COLUMN_GAP and line.y > last[-1].y - line.size / 2:
            self.cells.append([line])
            return True
        below = abs(line.x - last[0].x) <= _SAME_COLUMN and 0 < last[-1].y - line.y < line.size * 1.6
        if below and len(self.cells) > 1:
            last.append(line)
        return below and len(self.cells) > 1


def with_rows(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page, with those of each table row joined to one that has cells."""
    out: list[Line] = []
    rows = list(_rows([line for line in lines if line.text]))
    for width, group in groupby(rows, key=lambda row: len(row.cells)):
        found = list(group)
        if width > 1 and all(_MARKER.fullmatch(row.cells[0][0].text) for row in found):
            out += [_item_line(line, row) for row in found for cell in row.cells[1:] for line in cell]
        elif width > 1 and len(found) > 1:
            out += [_as_line(row) for row in found]
        else:
            out += [line for row in found for cell in row.cells for line in cell]
    return out


def _rows(lines: Sequence[Line]) -> Iterator[_Row]:
    """A first column of several lines is only known for a cell when the next cell begins beside its top."""
    at = 0
    while at < len(lines):
        row = _Row([[lines[at]]])
        height = _lines_beside(lines, at)
        row.cells[0] += lines[at + 1 : at + height]
        at += height
        while at < len(lines) and row.takes(lines[at]):
            at += 1
        yield row


def _lines_beside(lines: Sequence[Line], at: int) -> int:
    """How many lines the cell that begins here has, when a line to its right stands at its height; else 1."""
    first = lines[at]
    for after in range(at + 1, min(at + 8, len(lines))):
        line, above = lines[after], lines[after - 1]
        if line.x > first.x + _COLUMN_GAP and above.y < line.y - line.size / 2 and line.y <= first.y + first.size / 2:
            return after - at
        if abs(line.x - first.x) > _SAME_COLUMN or not 0 < above.y - line.y < line.size * 1.6:
            return 1
    return 1


def _as_line(row: _Row) -> Line:
    cells = tuple(" ".join(line.text for line in cell) for cell in row.cells)
    bold = all(line.bold for cell in row.cells for line in cell)
    return replace(row.cells[0][0], text=" ".join(cells), bold=bold, cells=cells)


def _item_line(line: Line, row: _Row) -> Line:
    first = line is row.cells[1][0]
    return replace(line, text=f"{row.cells[0][0].text} {line.text}") if first else line
