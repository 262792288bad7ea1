"""What a person sees of the assistant before they ask: what it knows, and what they asked last."""

from __future__ import annotations

from collections.abc import Collection

from answerloop.db.repositories import answers, deliveries, documents
from answerloop.db.repositories.answers import AnswerView
from answerloop.db.session import Database
from answerloop.domain import Audience, HomeFacts, HomeQuestion
from answerloop.ports import Directory

LAST_QUESTIONS = 5


class Home:
    def __init__(self, database: Database, directory: Directory, tenant: str) -> None:
        self._database = database
        self._directory = directory
        self._tenant = tenant

    def facts(self, channel: str, person_id: str) -> HomeFacts:
        """Raises DirectoryUnavailable, DatabaseUnavailable."""
        audience = Audience.of(self._tenant, [self._directory.person(person_id)])
        with self._database.reading() as session:
            count, updated_at = documents.known_to(session, audience)
            last = answers.last_of(session, channel, person_id, LAST_QUESTIONS)
            cited = {source.passage.document_id for view in last for source in view.sources if source.cited}
            readable = documents.still_readable(session, audience, cited)
            asked = tuple(
                HomeQuestion(
                    view.question,
                    view.outcome,
                    view.asked_at,
                    deliveries.address_of(session, view.question_id),
                    _own_answer(view, readable),
                )
                for view in last
            )
        return HomeFacts(count, updated_at, asked)

    def sources(self) -> tuple[str, ...]:
        """The locations that a room can be limited to."""
        with self._database.reading() as session:
            return tuple(source.location for source in documents.sources(session) if source.tenant == self._tenant)


def _own_answer(view: AnswerView, readable: Collection[str]) -> str:
    """Rights are those of now: what stood on a document that was closed since is not shown again."""
    closed = any(source.cited and source.passage.document_id not in readable for source in view.sources)
    return view.text if view.outcome and view.room is None and not closed else ""
