"""Reports and alarms in a channel of Slack, by the notices that every other message beside the answers goes through."""

from __future__ import annotations

from answerloop.db import outbox
from answerloop.db.repositories import alarms, notices
from answerloop.db.session import Database
from answerloop.domain import NoticeKind
from answerloop.ports import TaskQueue
from answerloop.slack.address import CHANNEL, SlackAddress, parts
from answerloop.tasks import deliver_notice


class SlackNotifier:
    """A `Notifier`. `room` is one as the directory names it; alarms stand on the dashboard too."""

    def __init__(self, database: Database, queue: TaskQueue, room: str) -> None:
        self._database = database
        self._queue = queue
        self._room = room
        workspace, channel = parts(room)
        self._address = SlackAddress(workspace, channel, user="")

    def report(self, key: str, text: str) -> None:
        self._post(f"report:{key}", text)

    def alarm(self, key: str, kind: str, text: str) -> None:
        with self._database.writing() as session:
            alarms.ring(session, key, kind, text)
        self._post(f"alarm:{key}", text)

    def _post(self, key: str, text: str) -> None:
        with self._database.writing() as session:
            notice = notices.write(
                session, key[:255], NoticeKind.REPORT, CHANNEL, self._address.as_json(), text=text, room=self._room
            )
            jobs = [outbox.write(session, deliver_notice(notice))] if notice else []
        outbox.send(self._database, self._queue, jobs)
