"""What may leave the house: the one rule, and the facts that it is told.

It is asked for the whole prompt and lets it go or keeps it: leaving out what may not go would change the answer and its
citations without a word. Whatever is not known keeps it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from answerloop.db.repositories import documents, quoted
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.domain import Audience, Message, Passage, Sentence
from answerloop.errors import AnswerloopError
from answerloop.ports import Generator
from workers.answering.credentials import without_credentials

if TYPE_CHECKING:
    from workers.answering.pipeline import Asked

log = logging.getLogger(__name__)

SETTLED = timedelta(minutes=1)
"""So long a document has to be indexed before it may leave: a search that is under way may still hold what it said
before."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a prompt may leave, and in a few words why."""

    may_leave: bool
    because: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides. `readers` will see the answer, `asker` is who asks, where that is not said by them already.
    `documents` are those that the prompt quotes; `earlier` those that each earlier answer of the conversation stood on,
    which the question may quote (None: nobody knows); `released` are those that may leave. `texts` are the parts of the
    prompt."""

    tenant: str
    groups: frozenset[str]
    readers: Audience
    asker: Audience | None
    documents: frozenset[str]
    earlier: tuple[frozenset[str], ...] | None
    released: frozenset[str]
    texts: tuple[str, ...]


def decide(facts: Facts) -> Ruling:
    audiences = [facts.readers, *([facts.asker] if facts.asker else [])]
    if not facts.groups:
        return Ruling(False, "no group's questions may leave")
    if not all(each.tenant == facts.tenant and each.may_read(facts.groups) for each in audiences):
        return Ruling(False, "not everybody who reads the answer is in a group whose questions may leave")
    if not facts.documents or not facts.documents <= facts.released:
        return Ruling(False, "it quotes a document that may not leave")
    if facts.earlier is None or not all(stood_on and stood_on <= facts.released for stood_on in facts.earlier):
        return Ruling(False, "an earlier answer of the conversation quotes a document that may not leave")
    if any(holds_credentials(text) for text in facts.texts):
        return Ruling(False, "it holds what looks like a password, key or token")
    return Ruling(True, "its readers and documents may leave")


def holds_credentials(text: str) -> bool:
    """Line by line too: some patterns end with the text."""
    return any(without_credentials(part) != part for part in (text, *text.splitlines()))


class Door:
    """Finds the facts and asks the rule. Never raises: what cannot be found out, keeps the prompt in the house."""

    def __init__(self, database: Database, tenant: str, groups: Sequence[str], settled: timedelta = SETTLED) -> None:
        self._database = database
        self._tenant = tenant
        self._groups = frozenset(groups)
        self._settled = settled

    def __call__(
        self, asked: Asked, messages: Sequence[Message], evidence: Sequence[Sentence], passages: Sequence[Passage]
    ) -> Ruling:
        quoted = frozenset(passages[sentence.passage - 1].document_id for sentence in evidence)
        try:
            earlier = self._earlier(asked)
            everything = quoted.union(*(earlier or ()))
            with self._database.reading() as session:
                released = documents.may_leave(session, self._tenant, everything, now() - self._settled)
        except AnswerloopError as error:
            log.warning("nothing leaves", extra={"error": type(error).__name__})
            return Ruling(False, "what may leave cannot be found out")
        return decide(
            Facts(
                tenant=self._tenant,
                groups=self._groups,
                readers=asked.audience,
                asker=asked.asker_audience,
                documents=quoted,
                earlier=earlier,
                released=released,
                texts=(asked.text, *(sentence.text for sentence in evidence), *(each.content for each in messages)),
            )
        )

    def _earlier(self, asked: Asked) -> tuple[frozenset[str], ...] | None:
        """Of everybody in the conversation: what others were answered there, the asker may have read."""
        if not asked.conversation:
            return None if asked.history else ()
        with self._database.reading() as session:
            return tuple(quoted.stood_on(session, asked.conversation))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model that is asked before those of this process. Without a `door` it stands in the house."""

    generator: Generator
    door: Door | None = None
