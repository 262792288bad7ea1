"""A file or a row becomes an `ExtractedDocument`; everything that cannot be read, a DocumentRejected with a reason.

`extract` runs the reader in this process. `workers.indexing.sandbox` calls it in a child with limits on time and
memory, which is what hostile files need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument, clean, has_words, one_line
from workers.indexing.formats import html, markdown, office, pdf, plain
from workers.indexing.outline import first_heading

DEFAULT_MAX_BYTES = 100_000_000
_MAX_TITLE = 200

_READERS: Mapping[str, tuple[str, Callable[[bytes], ExtractedDocument]]] = {
    ".md": ("Markdown", markdown.read),
    ".markdown": ("Markdown", markdown.read),
    ".txt": ("text", plain.read),
    ".text": ("text", plain.read),
    ".html": ("HTML", html.read),
    ".htm": ("HTML", html.read),
    ".pdf": ("PDF", pdf.read),
    ".docx": ("Word", office.read_docx),
    ".pptx": ("PowerPoint", office.read_pptx),
}
SUFFIXES = frozenset(_READERS)
TRUSTED_SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text"})
"""Read by a few lines of ours in linear time; the other formats go through large parsers."""


def extract(path: Path, max_document_bytes: int = DEFAULT_MAX_BYTES) -> ExtractedDocument:
    """Raises DocumentRejected and nothing else."""
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise DocumentRejected(f"not a format we read ({suffix or 'no ending'})")
    kind, reader = _READERS[suffix]
    try:
        modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        data = _bytes_of(path, max_document_bytes)
    except OSError as error:
        raise DocumentRejected((error.strerror or "cannot be read").lower()) from None
    try:
        document = reader(data)
    except DocumentRejected:
        raise
    except Exception as error:  # a broken file may raise anything from deep inside a parser
        raise DocumentRejected(f"damaged, or no {kind} file ({type(error).__name__})") from error
    return _complete(document, path.stem, modified_at)


def extract_row(row: Mapping[str, Any], max_document_bytes: int = DEFAULT_MAX_BYTES) -> ExtractedDocument:
    """A row of a `.jsonl` source, whose `id`, `text` and `allow` were checked when it was listed."""
    title, text, url = row.get("title"), str(row["text"]), row.get("url")
    if len(text) > max_document_bytes:
        raise DocumentRejected(f"larger than {max_document_bytes:,} bytes")
    document = ExtractedDocument(
        title=title if isinstance(title, str) else "", text=text, url=url if isinstance(url, str) and url else None
    )
    return _complete(document, str(row["id"]), None)


def _bytes_of(path: Path, max_document_bytes: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(max_document_bytes + 1)
    if len(data) > max_document_bytes:
        raise DocumentRejected(f"larger than {max_document_bytes:,} bytes")
    if not data.strip():
        raise DocumentRejected("empty")
    return data


def _complete(document: ExtractedDocument, name: str, modified_at: datetime | None) -> ExtractedDocument:
    text = clean(document.text)
    if not has_words(text):
        raise DocumentRejected("no words in it")
    title = one_line(document.title) or first_heading(text) or _prettified(name)
    return replace(document, title=title[:_MAX_TITLE], text=text, modified_at=document.modified_at or modified_at)


def _prettified(name: str) -> str:
    words = re.sub(r"[-_\s]+", " ", one_line(name)).strip()
    return words[:1].upper() + words[1:]
