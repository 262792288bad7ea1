"""From the printed lines of a paginated document back to Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from workers.indexing.formats.grid import Line, with_rows
from workers.indexing.formats.tables import row_of, with_headers

_BULLET = re.compile(r"[●•▪◦○‣∙·■□➢➤✓❖\uf0b7\uf0a7]\s*|[-\u2013*o]\s+(?=\S)")
_NUMBERED_ITEM = re.compile(r"(\(?\d{1,2}[.)]|\(?[a-z][.)]|\(?[ivx]{1,4}[.)])\s+(?=\S)")
_SUBSECTION = re.compile(r"\d{1,2}(?:\.\d{1,2})+\.?\s+(?=[A-Z])")
_SECTION = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s+(?=[A-Z])")
_PAGE_NUMBER = re.compile(r"[-\u2013\u2014|\s]*page\s*\d{1,4}(\s*(of|/)\s*\d{1,4})?[-\u2013\u2014|\s]*", re.IGNORECASE)
_ENDS_SENTENCE = (".", "!", "?", ":", ";", ".”", '."', ".)")
_MAX_HEADING_WORDS = 14
_LARGER = 1.12
_SAME_SIZE = 0.5
_PARAGRAPH_GAP = 2.2
_RUNNING_HEAD_PAGES = 2
_EDGE_LINES = 2
_ENOUGH_LARGER_HEADINGS = 3


Kind = Literal["heading", "strong", "item", "table", "paragraph"]
"""`strong` is as large as the text but bold: a heading where no heading is larger, else a line of its own."""


@dataclass(slots=True)
class _Block:
    kind: Kind
    lines: list[Line]
    marker: str = ""


def title_of(pages: list[list[Line]]) -> str:
    """What the document opens with, if it stands out: a heading, or a name of one word and the line below it."""
    opening = next((page for page in pages if any(line.text for line in page)), [])
    blocks = _blocks(_without_blank_ends(opening), _body_size(pages))
    title = ""
    for block in blocks:
        text = " ".join(line.text for line in block.lines)
        stands_out = block.kind in ("heading", "strong")
        if _SECTION.match(text) or not (stands_out or title) or len(title.split()) > 1:
            break
        title = f"{title} {text}".strip()
    words = len(title.split())
    return title if 1 < words <= _MAX_HEADING_WORDS else ""


def markdown_of(pages: list[list[Line]]) -> str:
    lines = [line for page in _without_running_heads(pages) for line in with_rows(page)]
    body = _body_size(pages)
    blocks = _blocks(lines, body)
    if sum(_size(block) > body * _LARGER for block in blocks if block.kind == "heading") < _ENOUGH_LARGER_HEADINGS:
        blocks = [_promoted(block) for block in blocks]
    sizes = sorted({_size(block) for block in blocks if block.kind == "heading"}, reverse=True)
    known = Counter(word.lower() for line in lines for word in re.findall(r"[\w-]+", line.text))
    out: list[str] = []
    for block in blocks:
        text = _joined(block.lines, known)
        if block.kind == "table":
            rows = [row_of([f"**{cell}**" if line.bold else cell for cell in line.cells]) for line in block.lines]
            out.append("\n" + "\n".join(rows) + "\n")
        elif block.kind == "heading":
            out.append(f"\n{'#' * _level(text, block, sizes, body)} {text}\n")
        elif block.kind == "item":
            out.append(f"{block.marker} {text}")
        else:
            out.append(f"\n{text}\n")
    return with_headers("\n".join(out))


def _blocks(lines: list[Line], body: float) -> list[_Block]:
    width = _usual_width(lines)
    blocks: list[_Block] = []
    previous: Line | None = None
    for line in lines:
        if not line.text:
            previous = None
            continue
        kind, marker, rest = _kind(line, body)
        last = blocks[-1] if blocks else None
        if last and previous and not marker and _continues(last, previous, line, kind, width):
            last.lines.append(line)
        else:
            blocks.append(_Block(kind, [replace(line, text=rest)], marker))
        previous = line
    return [block for block in _without_false_headings(blocks) if block.lines[0].text or len(block.lines) > 1]


def _kind(line: Line, body: float) -> tuple[Kind, str, str]:
    """What the line would be if it began a block: kind, list marker, text without the marker."""
    if line.cells:
        return "table", "", line.text
    bullet = _BULLET.match(line.text)
    rest = line.text[bullet.end() :] if bullet else line.text
    short = len(rest.split()) <= _MAX_HEADING_WORDS and not rest.endswith((".", ",", ";", ":"))
    named = short and any(character.isalpha() for character in rest)
    if named and (line.size > body * _LARGER or _SUBSECTION.match(rest)):
        return "heading", "", rest
    if bullet:
        return "item", "-", rest
    if named and line.bold and line.size >= body * 0.95:
        return "strong", "", rest
    numbered = _NUMBERED_ITEM.match(line.text)
    if numbered:
        digits = numbered[1].strip("().")
        return "item", f"{digits}." if digits.isdigit() else f"- ({digits})", line.text[numbered.end() :]
    return "paragraph", "", line.text


def _continues(last: _Block, previous: Line, line: Line, kind: Kind, width: float) -> bool:
    if "table" in (last.kind, kind):
        return last.kind == kind and len(last.lines[0].cells) == len(line.cells)
    if {last.kind, kind} & {"heading", "strong"}:
        same_look = abs(previous.size - line.size) < _SAME_SIZE and previous.bold == line.bold
        return last.kind == kind and same_look and not _SECTION.match(line.text)
    if previous.y - line.y > line.size * _PARAGRAPH_GAP:
        return False
    room = width * 0.6 - len(previous.text) - len(line.text.split()[0])
    if last.kind == "item" and room > 0 and line.text[:1].isupper():
        return False  # the list is over: in the middle of an item this line's first word had stood on the one before
    ended = previous.text.endswith(_ENDS_SENTENCE)
    led_in = previous.text.endswith(":") and line.text[:1].isupper()
    return not (ended and (led_in or len(previous.text) < width * 0.7))


def _without_false_headings(blocks: list[_Block]) -> list[_Block]:
    """Many lines in a row that stand out are no heading but a paragraph that stands out."""
    for block in blocks:
        words = sum(len(line.text.split()) for line in block.lines)
        if block.kind in ("heading", "strong") and words > 2 * _MAX_HEADING_WORDS:
            block.kind = "paragraph"
    return blocks


def _promoted(block: _Block) -> _Block:
    return replace(block, kind="heading") if block.kind == "strong" else block


def _joined(lines: Iterable[Line], known: Counter[str]) -> str:
    """The lines as one; a word divided at a line's end is whole again, unless its hyphen looks like its own."""
    text = ""
    for line in lines:
        head = re.search(r"(\w+)-$", text)
        tail = re.match(r"[a-z]\w*", line.text)
        if head and tail:
            whole, hyphened = (head[1] + tail[0]).lower(), f"{head[1]}-{tail[0]}".lower()
            keep = known[hyphened] > known[whole] or (not known[whole] and known[head[1].lower()] > 0)
            text = (text if keep else text[:-1]) + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text


def _level(text: str, block: _Block, sizes: list[float], body: float) -> int:
    section = _SECTION.match(text)
    if section:
        return min(2 + section[1].count("."), 6)
    size = _size(block)
    return min(1 + sizes.index(size), 6) if size > body * _LARGER else 3


def _size(block: _Block) -> float:
    return max(line.size for line in block.lines)


def _body_size(pages: list[list[Line]]) -> float:
    by_size: Counter[float] = Counter()
    for page in pages:
        for line in page:
            by_size[line.size] += len(line.text)
    return by_size.most_common(1)[0][0] if by_size else 0.0


def _usual_width(lines: list[Line]) -> float:
    widths = sorted(len(line.text) for line in lines if line.text)
    return float(widths[int(len(widths) * 0.8)]) if widths else 0.0


def _without_running_heads(pages: list[list[Line]]) -> list[list[Line]]:
    """Without page numbers, and without the first and last lines that most pages share."""
    trimmed = [_without_blank_ends(page) for page in pages]
    edges = Counter(
        text for page in trimmed for text in {_mask(line.text) for line in [*page[:_EDGE_LINES], *page[-_EDGE_LINES:]]}
    )
    running = {text for text, times in edges.items() if times >= _RUNNING_HEAD_PAGES and times > len(pages) / 2}

    def stays(page: list[Line], number: int) -> bool:
        text = page[number].text
        at_edge = not _EDGE_LINES <= number < len(page) - _EDGE_LINES
        return not at_edge or not (_mask(text) in running or _PAGE_NUMBER.fullmatch(text))

    return [[line for number, line in enumerate(page) if stays(page, number)] for page in trimmed]


def _without_blank_ends(page: list[Line]) -> list[Line]:
    inked = [number for number, line in enumerate(page) if line.text]
    return page[inked[0] : inked[-1] + 1] if inked else []


def _mask(text: str) -> str:
    return re.sub(r"\d+", "#", text).lower()
