"""PDF: lines with their fonts become headings, lists and paragraphs again."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument, one_line
from workers.indexing.formats.layout import Line, markdown_of, title_of

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


def _lines(page: object) -> list[Line]:
    pieces: list[tuple[str, float, bool]] = []

    def visit(text: str, at: list[float], in_text: list[float], font: dict[str, object] | None, size: float) -> None:
        scale = abs((in_text[0] or in_text[1]) * (at[0] or at[1])) or 1.0
        bold = "bold" in str((font or {}).get("/BaseFont", "")).lower()
        for number, part in enumerate(text.split("\n")):
            if number:
                pieces.append(("\n", 0.0, False))
            if part:
                pieces.append((part, size * scale, bold))

    page.extract_text(visitor_text=visit)  # type: ignore[attr-defined]
    lines: list[Line] = []
    current: list[tuple[str, float, bool]] = []
    for piece in [*pieces, ("\n", 0.0, False)]:
        if piece[0] != "\n":
            current.append(piece)
            continue
        lines.append(_line(current))
        current = []
    return lines


def _line(pieces: list[tuple[str, float, bool]]) -> Line:
    inked = [(text, size, bold) for text, size, bold in pieces if text.strip()]
    size = max(((len(text), size) for text, size, _ in inked), default=(0, 0.0))[1]
    return Line(one_line("".join(text for text, _, _ in pieces)), round(size, 1), all(bold for *_, bold in inked))


def _properties(reader: object) -> tuple[str, datetime | None]:
    """Properties are written by many hands: what cannot be read is as good as absent."""
    try:
        found = reader.metadata  # type: ignore[attr-defined]
        title = one_line(str(found.title or "")) if found else ""
        modified = (found.modification_date or found.creation_date) if found else None
    except (ValueError, TypeError, AttributeError, KeyError):
        return "", None
    if title.lower().startswith(_JUNK_TITLES) or title.lower().endswith((".doc", ".docx", ".pdf", ".indd")):
        title = ""
    if modified is not None and modified.tzinfo is None:
        modified = modified.replace(tzinfo=UTC)
    return title, modified.astimezone(UTC) if modified else None
