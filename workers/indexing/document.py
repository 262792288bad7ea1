"""What every reader returns, and the small rules they share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from answerloop.errors import DocumentRejected

MOST_NAME_CHARACTERS = 1000
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\xad\u200b\u2060\ufeff\U000e0000-\U000e007f]"  # the last range can hide instructions
)
_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_TABLE_PADDING = re.compile(r"(?<=---)-+| +(?= )")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """One document as Markdown. `allow` is None when the document itself says nothing about its readers; a document can
    say of itself that it is not to be trusted, never that it is."""

    title: str
    text: str
    url: str | None = None
    modified_at: datetime | None = None
    allow: tuple[str, ...] | None = None
    version: str | None = None
    supersedes: str | None = None
    trusted: bool = True
    may_leave: bool | None = None
    """Whether models outside the house may be shown it; None where the document itself says nothing."""
    sensitivity: str = ""
    """How the company marks it, such as "Confidential"; shown beside every answer that stands on it."""


def clean(text: str) -> str:
    """The text without invisible characters, with plain line breaks and at most one blank line in a row."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be stored
    text = _INVISIBLE.sub("", _LINE_BREAKS.sub("\n", text)).replace("\xa0", " ")
    text = "\n".join(_unpadded(line.rstrip()) for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def _unpadded(line: str) -> str:
    """A table's row without the spaces and dashes that only line its columns up: they would fill the chunks."""
    return _TABLE_PADDING.sub("", line) if line.startswith("|") else line


def storable(text: str) -> bool:
    """Whether a database takes it as a name: Unicode without NUL, and not endless."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text and len(text) <= MOST_NAME_CHARACTERS


def has_words(text: str) -> bool:
    return _WORD.search(text) is not None


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def groups_from(value: object, where: str) -> tuple[str, ...]:
    """The group names of an `allow`. Raises DocumentRejected for everything that is not plainly a list of names."""
    if not isinstance(value, list | tuple) or not value:
        raise DocumentRejected(f"{where}: allow is not a list of group names")
    if not all(isinstance(group, str) and group.strip() for group in value):
        raise DocumentRejected(f"{where}: allow holds something that is not a group name")
    return tuple(dict.fromkeys(group.strip() for group in value))


def trust_from(value: object, where: str) -> bool:
    """The meaning of a `trust`. Raises DocumentRejected for everything but `trusted` and `untrusted`."""
    if value not in ("trusted", "untrusted"):
        raise DocumentRejected(f"{where}: trust is neither trusted nor untrusted")
    return value == "trusted"


def leave_from(value: object, where: str) -> bool:
    """The meaning of a `may_leave`. Raises DocumentRejected for everything but true and false."""
    if not isinstance(value, bool):
        raise DocumentRejected(f"{where}: may_leave is neither true nor false")
    return value


def leave_below(above: bool | None, own: bool | None) -> bool | None:
    """What holds for what lies below: who said no above cannot be overruled, and saying nothing changes nothing."""
    return False if above is False else (above if own is None else own)


def moment(value: str) -> datetime | None:
    """An aware time from an ISO date or time; UTC where no zone is given, None where it is neither."""
    try:
        parsed = datetime.fromisoformat(value.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
