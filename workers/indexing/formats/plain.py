"""Plain text: UTF-8, UTF-16 with its mark, else the Western code page."""

from __future__ import annotations

import codecs
import re

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_CONTROL_SHARE = 0.01


def read(data: bytes) -> ExtractedDocument:
    return ExtractedDocument(title="", text=decode(data))


def decode(data: bytes) -> str:
    """Raises DocumentRejected for bytes that are no text."""
    marked = next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), None)
    try:
        text = data.decode(marked) if marked else _decode_unmarked(data)
    except UnicodeDecodeError:
        raise DocumentRejected("not text: its characters cannot be decoded") from None
    if "\x00" in text or len(_CONTROL.findall(text)) > len(text) * _MAX_CONTROL_SHARE:
        raise DocumentRejected("not text: it holds binary data")
    return text


def _decode_unmarked(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252")
