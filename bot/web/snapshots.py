"""An answer as its asker's page is told about it; to anybody else it does not exist."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypedDict
from urllib.parse import urlencode, urlsplit

from answerloop.db.repositories import answers, questions
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.session import Database
from answerloop.domain import CitedSource, Stage
from answerloop.errors import NotFound

CHANNEL = "web"
EXCERPT_CHARACTERS = 320

_MARKDOWN = (
    (re.compile(r"(?m)^#{1,6} .*$"), ""),
    (re.compile(r"(?m)^\s*\|?[\s:|-]*-{3,}[\s:|-]*$"), ""),  # the line under a table's head, or a rule
    (re.compile(r"(?m)^\s*(?:[-*+>]\s+|\|\s*)"), ""),
    (re.compile(r"(?m)\s*\|\s*$"), ";"),
    (re.compile(r"\s*\|\s*"), " · "),
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\*{1,3}|`{1,3}"), ""),
)


class SourceSnapshot(TypedDict):
    number: int
    cited: bool
    title: str
    headings: list[str]
    excerpt: str
    href: str
    url: str | None
    modified_at: str | None


class Snapshot(TypedDict):
    question_id: str
    answer_id: str
    conversation_id: str
    question: str
    stage: str
    revision: int
    text: str
    outcome: str | None
    confidence: str | None
    sources: list[SourceSnapshot]
    contact: str | None
    details: dict[str, object]
    feedback: dict[str, str | None] | None
    created_at: str
    queue_position: int | None


class Snapshots:
    """Reads what may be shown. Every method raises NotFound for what does not exist or is not this person's."""

    def __init__(self, database: Database, contact: str) -> None:
        self._database = database
        self._contact = contact or None

    def of_question(self, question_id: str, asker: str) -> Snapshot:
        with self._database.reading() as session:
            view = answers.view(session, question_id)
            if view is None or view.asker != asker or view.channel != CHANNEL:
                raise NotFound("There is no such question.")
            waiting = questions.ahead_of(session, view.asked_at) + 1 if view.stage is Stage.QUEUED else None
        return _snapshot(view, self._contact, waiting)

    def conversations(self, asker: str) -> list[dict[str, str]]:
        with self._database.reading() as session:
            mine = answers.conversations_of(session, CHANNEL, asker, limit=50)
        return [{"id": c.id, "title": c.title, "updated_at": c.updated_at.isoformat()} for c in mine]

    def conversation(self, conversation_id: str, asker: str) -> dict[str, object]:
        with self._database.reading() as session:
            found = answers.conversation(session, conversation_id)
            if found is None or found.owner != asker:
                raise NotFound("There is no such conversation.")
            views = [v for v in answers.of_conversation(session, found.id) if v.asker == asker and v.channel == CHANNEL]
        return {
            "id": found.id,
            "title": found.title,
            "questions": [_snapshot(view, self._contact, None) for view in views],
        }

    def conversation_key(self, conversation_id: str, asker: str) -> str:
        """The name under which the intake knows this conversation."""
        with self._database.reading() as session:
            found = answers.conversation(session, conversation_id)
        if found is None or found.owner != asker:
            raise NotFound("There is no such conversation.")
        return found.key

    def revisions(self, question_ids: Sequence[str]) -> Mapping[str, int]:
        with self._database.reading() as session:
            return answers.revisions(session, question_ids)


def web_url(url: str | None) -> str | None:
    """The address, if it is one a browser may safely open."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _snapshot(view: AnswerView, contact: str | None, queue_position: int | None) -> Snapshot:
    return {
        "question_id": view.question_id,
        "answer_id": view.answer_id,
        "conversation_id": view.conversation_id,
        "question": view.question,
        "stage": view.stage,
        "revision": view.revision,
        "text": view.text,
        "outcome": view.outcome,
        "confidence": view.confidence,
        "sources": [_source(source) for source in view.sources],
        "contact": contact,
        "details": {
            "model": view.model,
            "adapter": view.adapter,
            "timings_ms": view.timings_ms,
            "index_version": view.index_version,
        },
        "feedback": {"thumb": view.thumb, "reason": view.feedback_reason} if view.thumb else None,
        "created_at": view.asked_at.isoformat(),
        "queue_position": queue_position,
    }


def _source(source: CitedSource) -> SourceSnapshot:
    passage = source.passage
    place = urlencode({"start": passage.start, "end": passage.end})
    return {
        "number": source.number,
        "cited": source.cited,
        "title": passage.title,
        "headings": list(passage.headings),
        "excerpt": _excerpt(passage.text),
        "href": f"/documents/{passage.document_id}?{place}#passage",
        "url": web_url(passage.url),
        "modified_at": passage.modified_at.isoformat() if passage.modified_at else None,
    }


def _excerpt(text: str) -> str:
    """The beginning of a passage as plain prose: without the marks of Markdown, cut at a word."""
    words = text
    for pattern, replacement in _MARKDOWN:
        words = pattern.sub(replacement, words)
    words = " ".join(words.split())
    if len(words) <= EXCERPT_CHARACTERS:
        return words
    return words[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"
