"""Tells those who run us of alarms, each once as long as it stands; they stand on the dashboard all the time."""

from __future__ import annotations

from answerloop.db.repositories import alarms
from answerloop.db.session import Database
from answerloop.ports import Notifier


class Herald:
    def __init__(self, database: Database, notifier: Notifier) -> None:
        self._database = database
        self._notifier = notifier
        self._told: frozenset[str] = frozenset()

    def tell(self) -> int:
        """How many were told. One that was cleared and raised again is told again. Raises DatabaseUnavailable."""
        with self._database.reading() as session:
            found = alarms.standing(session)
        standing = {f"alarm:{alarm.raised_at:%Y%m%dT%H%M%S}:{alarm.key}": alarm.text for alarm in found}
        news = [key for key in standing if key not in self._told]
        for key in news:
            self._notifier.report(key, standing[key])
        self._told = frozenset(standing)
        return len(news)
