"""Markdown with optional YAML front matter: title, url, updated, allow, trust, may_leave, version, supersedes,
sensitivity."""

from __future__ import annotations

import re
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler

from answerloop.errors import DocumentRejected
from workers.indexing.document import ExtractedDocument, groups_from, leave_from, moment, one_line, trust_from
from workers.indexing.formats import plain

_OPENED = re.compile(r"\s*---[ \t]*\r?\n(?=[ \t]*\S)")  # a thematic break is followed by an empty line
_FOREIGN = re.compile(r"\s*(\+\+\+|;;;)[ \t]*\r?\n")
_AS_WRITTEN = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_MAX_FRONT_MATTER = 10_000  # characters; nested by the ten thousands, brackets bring the YAML parser down

MOST_MARK_CHARACTERS = 40


def read(data: bytes) -> ExtractedDocument:
    """Front matter that cannot be understood rejects the document: it may have held `allow`."""
    text = plain.decode(data)
    if _FOREIGN.match(text):
        raise DocumentRejected("front matter must be YAML between two lines of ---")
    if not _OPENED.match(text):
        return ExtractedDocument(title="", text=text)
    typed, plain_strings, body = _split(text)
    updated = plain_strings.get("updated")
    modified_at = moment(updated) if isinstance(updated, str) else None
    if updated and modified_at is None:
        raise DocumentRejected("front matter: updated is not a date like 2026-01-31")
    return ExtractedDocument(
        title=_text(plain_strings, "title") or "",
        text=body,
        url=_text(plain_strings, "url"),
        modified_at=modified_at,
        allow=groups_from(typed["allow"], "front matter") if "allow" in typed else None,
        version=_text(plain_strings, "version"),
        supersedes=_text(plain_strings, "supersedes"),
        sensitivity=(_text(plain_strings, "sensitivity") or "")[:MOST_MARK_CHARACTERS],
        trusted=trust_from(typed["trust"], "front matter") if "trust" in typed else True,
        may_leave=leave_from(typed["may_leave"], "front matter") if "may_leave" in typed else None,
    )


def _split(text: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Front matter with YAML's types, the same with every scalar as written (version 3.10 stays 3.10), the body."""
    handler = YAMLHandler()
    try:
        front, body = handler.split(text)
    except ValueError:
        raise DocumentRejected("front matter is opened with --- but never closed") from None
    if len(front) > _MAX_FRONT_MATTER:
        raise DocumentRejected("front matter is too long")
    try:
        typed, plain_strings = handler.load(front), handler.load(front, Loader=_AS_WRITTEN)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise DocumentRejected(f"front matter cannot be read: {problem}") from None
    if not isinstance(typed, dict):
        raise DocumentRejected("front matter cannot be read: not lines of `key: value`")
    return _lower_keys(typed), _lower_keys(plain_strings), body


def _lower_keys(fields: dict[Any, Any]) -> dict[str, Any]:
    return {str(key).strip().lower(): value for key, value in fields.items()}


def _text(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise DocumentRejected(f"front matter: {key} is not a line of text")
    return one_line(value) or None if value else None
