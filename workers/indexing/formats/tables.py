"""Gives every Markdown table a header row: readers of HTML and Word leave it out, or leave it empty."""

from __future__ import annotations

import re

_ROW = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"\s*\|(\s*:?-+:?\s*\|)+\s*$")
_CELL_BREAK = re.compile(r"(?<!\\)\|")
_BOLD = re.compile(r"\*\*[^*]+\*\*")


def with_headers(text: str) -> str:
    lines, table = [], []
    for line in [*text.split("\n"), ""]:
        if _ROW.match(line):
            table.append(line.strip())
            continue
        lines += [*_headed(table), line] if table else [line]
        table = []
    return "\n".join(lines[:-1])


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in _CELL_BREAK.split(row.strip())[1:-1]]


def _headed(table: list[str]) -> list[str]:
    if len(table) > 1 and _RULE.match(table[1]):
        if any(cells_of(table[0])):
            return ["", *table]
        table = table[2:]
    rows = [cells_of(row) for row in table]
    width = max((len(row) for row in rows), default=0)
    if not width:
        return []
    header, body = (rows[0], rows[1:]) if _is_header(rows) else ([""] * width, rows)
    return ["", row_of(header), row_of(["---"] * width), *map(row_of, body)]


def _is_header(rows: list[list[str]]) -> bool:
    """All bold; or names without a digit above rows that have digits."""
    first, rest = rows[0], rows[1:]
    if not rest or not all(first):
        return False
    if all(_BOLD.fullmatch(cell) for cell in first):
        return True
    return not _has_digit(first) and all(_has_digit(row) for row in rest)


def _has_digit(cells: list[str]) -> bool:
    return any(character.isdigit() for cell in cells for character in cell)


def row_of(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
