"""PDF: lines with their fonts become headings, lists and paragraphs again."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument, one_line
from workers.indexing.formats.grid import Line
from workers.indexing.formats.layout import markdown_of, title_of

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_JUNK_TITLES = ("microsoft word", "microsoft powerpoint", "untitled", "powerpoint presentation", "slide 1")


def read(data: bytes) -> ExtractedDocument:
    # imported here: pypdf takes 0.2 s, for processes that may never see a PDF
    from pypdf import PdfReader  # noqa: PLC0415
    from pypdf.errors import DependencyError  # noqa: PLC0415

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns about every oddity it copes with
    reader = PdfReader(io.BytesIO(data))
    try:
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentRejected("encrypted: it needs a password")
    except (DependencyError, NotImplementedError):
        raise DocumentRejected("encrypted") from None
    pages = [_lines(page) for page in reader.pages]
    if not any(line.text for page in pages for line in page):
        raise DocumentRejected("no text (a scan?)")
    title, modified_at = _properties(reader)
    return ExtractedDocument(title=title or title_of(pages), text=markdown_of(pages), modified_at=modified_at)


@dataclass(frozen=True, slots=True)
class _Ink:
    text: str
    size: float = 0.0
    bold: bool = False
    x: float = 0.0
    y: float = 0.0


def _lines(page: PageObject) -> list[Line]:
    inks: list[_Ink] = []

    def visit(text: str, at: list[float], within: list[float], font: dict[str, object] | None, size: float) -> None:
        scale = abs((within[0] or within[1]) * (at[0] or at[1])) or 1.0
        bold = "bold" in str((font or {}).get("/BaseFont", "")).lower()
        x = within[4] * at[0] + within[5] * at[2] + at[4]
        y = within[4] * at[1] + within[5] * at[3] + at[5]
        for number, part in enumerate(text.split("\n")):
            if number:
                inks.append(_Ink("\n"))
            if part:
                inks.append(_Ink(part, size * scale, bold, x, y))

    page.extract_text(visitor_text=visit)
    return [_line(list(group)) for is_break, group in groupby(inks, lambda ink: ink.text == "\n") if not is_break]


def _line(inks: list[_Ink]) -> Line:
    words = [ink for ink in inks if ink.text.strip()]
    if not words:
        return Line("", 0.0, False)
    size = max((len(ink.text), ink.size) for ink in words)[1]
    text = one_line("".join(ink.text for ink in inks))
    return Line(text, round(size, 1), all(ink.bold for ink in words), words[0].x, words[0].y)


def _properties(reader: PdfReader) -> tuple[str, datetime | None]:
    """Properties are written by many hands: what cannot be read is as good as absent."""
    try:
        found = reader.metadata
        title = one_line(str(found.title or "")) if found else ""
        modified = (found.modification_date or found.creation_date) if found else None
    except (ValueError, TypeError, AttributeError, KeyError):
        return "", None
    if title.lower().startswith(_JUNK_TITLES) or title.lower().endswith((".doc", ".docx", ".pdf", ".indd")):
        title = ""
    if modified is not None and modified.tzinfo is None:
        modified = modified.replace(tzinfo=UTC)
    return title, modified.astimezone(UTC) if modified else None
