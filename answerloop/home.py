"""What a person sees of the assistant before they ask: what it knows, and what they asked last."""

from __future__ import annotations

from answerloop.db.repositories import answers, documents
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
        return HomeFacts(count, updated_at, tuple(HomeQuestion(*row) for row in last))

    def sources(self) -> tuple[str, ...]:
        """The locations that a room can be limited to."""
        with self._database.reading() as session:
            return tuple(source.location for source in documents.sources(session) if source.tenant == self._tenant)
