"""Reports in a room of Slack or Teams, by the notices that every other message beside the answers goes through."""

from __future__ import annotations

import logging
from typing import Any

from answerloop.backends.notifier_log import LogNotifier
from answerloop.db import outbox
from answerloop.db.repositories import notices, places
from answerloop.db.session import Database
from answerloop.domain import NoticeKind
from answerloop.ports import Notifier, TaskQueue
from answerloop.settings import Settings
from answerloop.slack import address as slack
from answerloop.tasks import deliver_notice
from answerloop.teams import address as teams

log = logging.getLogger(__name__)


def notifier_of(settings: Settings, database: Database, queue: TaskQueue) -> Notifier:
    """In the room of reports, where there is one."""
    return ChatNotifier(database, queue, settings.reports_room) if settings.reports_room else LogNotifier()


class ChatNotifier:
    """A `Notifier`. `room` is one as the directory names it. As long as Teams has not let us know how its room is
    reached, nothing is posted: we have to be added to it first."""

    def __init__(self, database: Database, queue: TaskQueue, room: str) -> None:
        self._database = database
        self._queue = queue
        self._room = room

    def report(self, key: str, text: str) -> None:
        channel = self._room.partition(":")[0]
        with self._database.writing() as session:
            address = self._slack() if channel == slack.CHANNEL else self._teams(session)
            if address is None:
                log.warning("the room of reports is not known yet: add the app to it", extra={"room": self._room})
                return
            name = f"report:{key}"[:255]
            notice = notices.write(session, name, NoticeKind.REPORT, channel, address, text=text, room=self._room)
            jobs = [outbox.write(session, deliver_notice(notice))] if notice else []
        outbox.send(self._database, self._queue, jobs)

    def _slack(self) -> dict[str, Any]:
        workspace, channel = slack.parts(self._room)
        return slack.SlackAddress(workspace, channel, user="").as_json()

    def _teams(self, session: Any) -> dict[str, Any] | None:
        tenant, conversation = teams.parts(self._room)
        place = places.get(session, teams.room_id(tenant, conversation))
        if place is None:
            return None
        url, bot, kind = (str(place.data[name]) for name in ("service_url", "bot", "kind"))
        return teams.TeamsAddress(tenant, url, bot, conversation, teams.Kind(kind), user="").as_json()
