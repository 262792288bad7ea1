"""Word and PowerPoint as Markdown, after the archive was found to be harmless."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument, moment
from workers.indexing.formats.tables import with_headers

if TYPE_CHECKING:
    from markitdown import DocumentConverter

MAX_UNPACKED_BYTES = 500_000_000
MAX_MEMBERS = 10_000

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_ENTITIES = [mark.encode(codec) for mark in ("<!DOCTYPE", "<!ENTITY") for codec in ("utf-8", "utf-16-le", "utf-16-be")]
_CORE = "docProps/core.xml"
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BOLD_LINE = re.compile(r"^\*\*([^*\n]{1,80}[^*\n.,:;])\*\*$", re.MULTILINE)
_UNTOLD_TITLES = frozenset({"powerpoint presentation", "presentation", "word document", "document", "untitled"})


def read_docx(data: bytes) -> ExtractedDocument:
    return _read(data, _docx, _tidy_docx)


def read_pptx(data: bytes) -> ExtractedDocument:
    return _read(data, _pptx, _tidy_pptx)


def _read(data: bytes, load: Callable[[], DocumentConverter], tidy: Callable[[str], str]) -> ExtractedDocument:
    title, modified_at = _check_archive(data)
    from markitdown import StreamInfo  # noqa: PLC0415  (slow to import, see below)

    text = load().convert(io.BytesIO(data), StreamInfo()).markdown
    text = _COMMENT.sub("\n", _IMAGE.sub("", text))
    return ExtractedDocument(title=title, text=tidy(text), modified_at=modified_at)


def _docx() -> DocumentConverter:
    # imported here: markitdown takes 0.7 s and 80 MB, for processes that may never see an office file
    from markitdown.converters import DocxConverter  # noqa: PLC0415

    return DocxConverter()


def _pptx() -> DocumentConverter:
    from markitdown.converters import PptxConverter  # noqa: PLC0415

    return PptxConverter()


def _check_archive(data: bytes) -> tuple[str, datetime | None]:
    """The title and time from the archive's properties. Raises DocumentRejected for bombs and broken archives."""
    if data.startswith(_OLD_OFFICE):
        raise DocumentRejected("encrypted, or in the format of Office before 2007")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise DocumentRejected(f"an archive of more than {MAX_MEMBERS:,} parts")
            if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
                raise DocumentRejected(f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
            for member in members:
                if member.filename.lower().endswith((".xml", ".rels")):
                    _check_xml(archive.read(member))
            return _properties(archive.read(_CORE)) if _CORE in archive.namelist() else ("", None)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError):
        raise DocumentRejected("damaged, or no Office file") from None


def _check_xml(part: bytes) -> None:
    """Office never declares entities; whoever does wants them expanded."""
    if any(mark in part for mark in _ENTITIES):
        raise DocumentRejected("its XML declares entities")


def _properties(core: bytes) -> tuple[str, datetime | None]:
    try:
        root = ElementTree.fromstring(core)  # noqa: S314  (it was found to declare no entities)
        fields = {element.tag.rpartition("}")[2]: element.text or "" for element in root}
    except ElementTree.ParseError:
        return "", None
    title = fields.get("title", "").strip()
    return ("" if title.lower() in _UNTOLD_TITLES else title), moment(fields.get("modified", ""))


def _tidy_docx(text: str) -> str:
    """A line that is bold as a whole is a heading to those who do not use styles."""
    return with_headers(_BOLD_LINE.sub(r"## \1", text))


def _tidy_pptx(text: str) -> str:
    """Lines of a text box are points of their own; the notes belong to the slide."""
    lines = []
    for line in text.replace("\x0b", " ").split("\n"):
        bare = line.strip()
        if not bare or bare.startswith(("#", "|")):
            lines += ["", line] if bare.startswith("#") else [line]
        else:
            lines.append(f"- {bare}")
    return with_headers("\n".join(lines)).replace("### Notes:", "### Notes")
