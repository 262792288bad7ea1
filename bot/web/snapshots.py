"""An answer as its asker's page is told about it; to anybody else it does not exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TypedDict
from urllib.parse import urlencode, urlsplit

from answerloop.db.repositories import answers, documents, questions
from answerloop.db.repositories.answers import AnswerView, ConversationView
from answerloop.db.session import Database
from answerloop.domain import Action, Audience, CitedSource, Confidence, Outcome, Passage, Stage
from answerloop.errors import NotFound
from answerloop.ports import Directory
from answerloop.settings import Settings

CHANNEL = "web"
EXCERPT_CHARACTERS = 320
EXCERPT_READS = 2_000
"""How much of a sentence is looked at for an excerpt; a table's row may be long."""
WITHHELD = "This answer stood on a document that you can no longer read."

_RULE = frozenset("|:- ")
"""What the line under a table's head consists of, or a line across the page."""
_MARKDOWN = (
    (re.compile(r"(?m)^#{1,6} .*$"), ""),
    (re.compile(r"(?m)^(?:[-*+>] |\| ?)"), ""),
    (re.compile(r"(?m) ?\|$"), ";"),
    (re.compile(r" ?\| ?"), " · "),
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
    verified: bool
    sources: list[SourceSnapshot]
    contact: str | None
    details: dict[str, object]
    feedback: dict[str, str | None] | None
    created_at: str
    queue_position: int | None


class Snapshots:
    """Reads what may be shown. Every method raises NotFound for what does not exist or is not this person's.

    An old answer tells no more than its asker may read today: the groups are asked of the directory each time.
    """

    def __init__(self, settings: Settings, database: Database, directory: Directory) -> None:
        self._database = database
        self._directory = directory
        self._tenant = settings.tenant
        self._contact = settings.human_contact or None

    def of_question(self, question_id: str, asker: str) -> Snapshot:
        audience = self._audience(asker)
        with self._database.reading() as session:
            view = answers.view(session, question_id)
            if view is None or not self._belongs_to(asker, view):
                raise NotFound("There is no such question.")
            readable = documents.still_readable(session, audience, _document_ids([view]))
            waiting = questions.ahead_of(session, view.asked_at) + 1 if view.stage is Stage.QUEUED else None
        return _snapshot(_as_readable(view, readable), self._contact, waiting)

    def conversations(self, asker: str) -> list[dict[str, str]]:
        with self._database.reading() as session:
            mine = answers.conversations_of(session, CHANNEL, self._tenant, asker)
        return [{"id": c.id, "title": c.title, "updated_at": c.updated_at.isoformat()} for c in mine]

    def conversation(self, conversation_id: str, asker: str) -> dict[str, object]:
        audience = self._audience(asker)
        with self._database.reading() as session:
            found = self._own(asker, answers.conversation(session, conversation_id))
            views = [view for view in answers.of_conversation(session, found.id) if self._belongs_to(asker, view)]
            readable = documents.still_readable(session, audience, _document_ids(views))
        return {
            "id": found.id,
            "title": found.title,
            "questions": [_snapshot(_as_readable(view, readable), self._contact, None) for view in views],
        }

    def conversation_key(self, conversation_id: str, asker: str) -> str:
        """The name under which the intake knows this conversation."""
        with self._database.reading() as session:
            return self._own(asker, answers.conversation(session, conversation_id)).key

    def revisions(self, question_ids: Sequence[str]) -> Mapping[str, int]:
        with self._database.reading() as session:
            return answers.revisions(session, question_ids)

    def _audience(self, asker: str) -> Audience:
        return Audience.of(self._tenant, [self._directory.person(asker)])

    def _belongs_to(self, asker: str, view: AnswerView) -> bool:
        return (view.channel, view.tenant, view.asker) == (CHANNEL, self._tenant, asker)

    def _own(self, asker: str, found: ConversationView | None) -> ConversationView:
        if found is None or (found.tenant, found.owner) != (self._tenant, asker):
            raise NotFound("There is no such conversation.")
        return found


def web_url(url: str | None) -> str | None:
    """The address, if it is one a browser may safely open."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def _document_ids(views: Sequence[AnswerView]) -> set[str]:
    return {source.passage.document_id for view in views for source in view.sources}


def _as_readable(view: AnswerView, readable: Collection[str]) -> AnswerView:
    """Without the sources that may not be read now; without its text when that stood on one of them."""
    hidden = [source for source in view.sources if source.passage.document_id not in readable]
    if not hidden:
        return view
    if any(source.cited for source in hidden):
        return replace(
            view,
            text=WITHHELD,
            sources=(),
            outcome=view.outcome and Outcome.ABSTAINED,
            confidence=view.confidence and Confidence.DONT_KNOW,
            verified=False,
        )
    return replace(view, sources=tuple(source for source in view.sources if source not in hidden))


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
        "verified": view.verified,
        "sources": [_source(source) for source in view.sources],
        "contact": None if view.decision.get("action") == Action.REFUSED else contact,
        "details": {
            "model": view.model,
            "adapter": view.adapter,
            "timings_ms": view.timings_ms,
            "index_version": view.index_version,
            "decision": view.decision,
        },
        "feedback": asdict(view.opinion) if view.opinion else None,
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
        "excerpt": excerpt(passage),
        "href": f"/documents/{passage.document_id}?{place}#passage",
        "url": web_url(passage.url),
        "modified_at": passage.modified_at.isoformat() if passage.modified_at else None,
    }


def excerpt(passage: Passage) -> str:
    """What a passage says to the question, as plain prose: without the marks of Markdown, cut at a word."""
    lines = (" ".join(line.split()) for line in passage.excerpt[:EXCERPT_READS].splitlines())
    words = "\n".join(line for line in lines if not _RULE.issuperset(line))
    for pattern, replacement in _MARKDOWN:
        words = pattern.sub(replacement, words)
    words = " ".join(words.split())
    if len(words) <= EXCERPT_CHARACTERS:
        return words
    return words[:EXCERPT_CHARACTERS].rsplit(" ", 1)[0] + " …"
