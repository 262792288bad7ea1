"""Reports go into the log, alarms onto the dashboard."""

from __future__ import annotations

import logging

from answerloop.db.repositories import alarms
from answerloop.db.session import Database

log = logging.getLogger(__name__)


class BoardNotifier:
    """A `Notifier` without a room. The log names the report; what it says stands on the dashboard."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(self, key: str, text: str) -> None:
        log.info("a report is on the dashboard", extra={"report": key})

    def alarm(self, key: str, kind: str, text: str) -> None:
        with self._database.writing() as session:
            is_new = alarms.ring(session, key, kind, text)
        if is_new:
            log.warning("alarm", extra={"alarm": key, "kind": kind})
