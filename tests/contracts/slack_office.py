"""The Slack of a made-up company, and everything that we show there: to whom, and whether they may know it.

Whoever is in `everyone` is a full member, whoever is only in `public` a guest, and whoever is in neither has left. The
stranger is of another company. What each of them may read is told here, not by the directory under test.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import yaml
from slack_bolt import BoltRequest
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import select

from answerloop.backends.chat_slack import SlackDelivery
from answerloop.backends.directory_by_channel import ChannelDirectory
from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.directory_slack import SlackDirectory
from answerloop.db.repositories import answers
from answerloop.db.tables import NoticeRow, QuestionRow
from answerloop.domain import EVERYONE, PUBLIC, NoticeKind, Person, RoomSettings
from answerloop.heartbeat import Heartbeat
from answerloop.home import Home
from answerloop.slack.address import room_id
from answerloop.slack.rendered import Style
from answerloop.testing.audience import HOME, PEOPLE, STRANGER, Company, Readers, Shown, judge
from answerloop.testing.fakes import FakeRedactor, FakeTaskQueue
from answerloop.testing.slack_server import Call, SlackServer
from answerloop.testing.slack_workspace import Channel
from bot.feedback import FeedbackBox
from bot.hearing import Hearing
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.slack import views
from bot.slack.actions import Actions
from bot.slack.app import SlackApp
from bot.slack.escalation import Escalation
from bot.slack.messages import Messages
from tests.contracts.audience_house import LEASE, QUESTION, House
from tests.unit.bot.slack.slack_kit import BOT, TEAM, click, event
from workers.answering.deliver import DeliveryDesk
from workers.answering.desk import AnswerDesk

USERS = {person: f"U0{number}" for number, person in enumerate(PEOPLE)}
HELPERS = "CHELP"
EMPLOYEE = Person("employee", "Anybody in the workspace", frozenset({EVERYONE, PUBLIC}), HOME)
OUTSIDER = Person("outsider", "Somebody of another company", frozenset({PUBLIC}), HOME)
POSTED = frozenset({"chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream"})
PRIVATE, OPEN = {"is_private": True}, {"is_channel": True, "is_private": False}
SHARED = {"is_private": True, "is_ext_shared": True}
INVITED = {"is_private": True, "is_pending_ext_shared": True}


def in_slack(person: Person) -> Person | None:
    """What the directory should say of them; None for whoever has left."""
    if person.id != STRANGER and EVERYONE in person.groups:
        return Person(person.id, person.id, person.groups | EMPLOYEE.groups, HOME)
    if person.id == STRANGER or PUBLIC in person.groups:
        return Person(person.id, person.id, OUTSIDER.groups, HOME)
    return None


class NoLimit:
    """A `RateLimiter` of a platform that allows everything."""

    def reserve(self, key: str, per_second: float, burst: int) -> float:
        return 0.0

    def pause(self, key: str, seconds: float) -> None:
        """Nobody asks for one here."""


class SlackOffice:
    """`tell` hands over everything that was told since it was asked last."""

    def __init__(self, house: House, server: SlackServer) -> None:
        self.house, self.server = house, server
        self.company = Company((), ())
        self.now = 0.0
        self.threads: dict[str, str] = {}
        """The root of the thread in which a question stands."""
        self._file = house.folder / "access.yaml"
        self._file.write_text("people: {}")
        self._told = 0
        self._names = itertools.count(1)
        self._commands: dict[str, str] = {}
        database, self._queue = house.database, FakeTaskQueue()
        directory = ChannelDirectory({"slack": self._directory()}, house)
        intake = Intake(database, self._queue, 1000, 10_000)
        self.rooms = Rooms(database, clock=map(float, range(0, 10**9, 1000)).__next__)
        actions = AnswerActions(database, self._queue, intake, Escalation(self.rooms, (), HELPERS))
        messages = Messages(Hearing(intake, self.rooms, actions, HOME), intake, self.rooms)
        self._home = Home(database, directory, HOME)
        self.app = SlackApp(
            lambda enterprise_id, team_id: AuthorizeResult(
                enterprise_id=enterprise_id, team_id=team_id, bot_user_id=BOT, bot_token="xoxb-1"
            ),
            server.url,
            messages,
            Actions(FeedbackBox(database), actions, messages),
            self.rooms,
            self._home,
            frozenset(),
            lambda workspace, at: None,
        )
        heartbeat = Heartbeat(database, "office", 60)
        self._desk = AnswerDesk(database, self._queue, house.answering, directory, heartbeat, LEASE, 3, FakeRedactor())
        self.delivery = DeliveryDesk(
            database, self._queue, [self._chat()], directory, timedelta(hours=4), self._home.facts
        )

    def _directory(self) -> SlackDirectory:
        file = FileDirectory(self._file, HOME)
        return SlackDirectory("xoxb-{}".format, file, HOME, api_url=self.server.url, clock=lambda: self.now)

    def _chat(self) -> SlackDelivery:
        return SlackDelivery(
            "xoxb-{}".format,
            NoLimit(),
            api_url=self.server.url,
            style=Style.MODERN,
            source_url=lambda source: source.passage.url,
            messages_per_second=1.0,
            updates_per_minute=60.0,
        )

    # --- the company of a day

    def becomes(self, company: Company) -> None:
        """Slack and the directory file say what is so today; what they said yesterday is forgotten by the clock."""
        self.house.becomes(company)
        self.now += 1000
        people = [company.person(name) for name in PEOPLE]
        self.company = Company(tuple(filter(None, map(in_slack, people))), company.pages)
        entries, user_groups, by_slack_group = {}, [], {}
        self.server.workspace.users = {BOT: {"id": BOT, "team_id": TEAM, "is_bot": True}}
        for person in people:
            user, own = USERS[person.id], sorted(person.groups - {EVERYONE, PUBLIC})
            email = f"{user}@example.com"
            entries[user] = {"groups": own[::2], "email": email}  # also of guests, whom no entry makes an employee
            by_slack_group[f"S{user}"] = own[1::2]
            user_groups.append({"id": f"S{user}", "handle": user.lower(), "users": [user], "date_delete": 0})
            self.server.workspace.users[user] = {
                "id": user,
                "name": person.id,
                "team_id": "T99" if person.id == STRANGER else TEAM,
                "profile": {"email": email},
                "is_restricted": EVERYONE not in person.groups,
                "deleted": in_slack(person) is None,
            }
        self.server.workspace.user_groups = user_groups
        self._file.write_text(yaml.safe_dump({"people": entries, "slack_groups": by_slack_group}))

    def channel(self, name: str, members: Sequence[str], facts: dict[str, Any]) -> None:
        """Who is in it today, besides us; what was written there stays."""
        channels = self.server.workspace.channels
        kept = channels[name].messages if name in channels else []
        channels[name] = Channel([*(USERS[member] for member in members), BOT], facts, kept)

    def alone(self, person: str) -> Readers:
        found = [known for known in self.company.people if known.id == person]
        return Readers(HOME, (found[0] if found else self.company.person(person),))

    def readers(self, channel: str) -> Readers:
        there = self.server.workspace.channels[channel]
        names = {user: name for name, user in USERS.items()}
        known = {person.id: person for person in self.company.people}
        people = [known[names[user]] for user in there.members if user in names and names[user] in known]
        public = [EMPLOYEE] if there.facts.get("is_channel") else []
        shared = [OUTSIDER] if there.facts in (SHARED, INVITED) else []
        return Readers(HOME, (*people, *public, *shared))

    # --- what people do

    def write(self, channel: str, person: str, text: str = QUESTION, thread: str | None = None) -> str:
        """A question in a channel, or in direct messages; its id."""
        ts = self.server.workspace.say(channel, USERS[person], text, thread)
        direct = {"channel_type": "im"} if channel.startswith("D") else {"type": "app_mention"}
        said = {
            "channel": channel,
            "user": USERS[person],
            "text": text,
            "ts": ts,
            "thread_ts": thread,
            **direct,
        }
        self.send(event(f"Ev{next(self._names)}", **said))
        question = self.newest()
        self.threads[question] = thread or ts
        return question

    def command(self, channel: str, person: str) -> str:
        name = f"ask{next(self._names)}"
        fields = {"command": "/ask", "team_id": TEAM, "channel_id": channel, "user_id": USERS[person], "text": QUESTION,
                  "trigger_id": name, "response_url": self.response_url(name, person)}  # fmt: skip
        self.app.bolt.dispatch(BoltRequest(body=urlencode(fields), headers={}))
        return self.newest()

    def response_url(self, name: str, person: str) -> str:
        """What is answered there, this person sees alone."""
        self._commands[name] = person
        return self.server.response_url(name)

    def click(self, action: str, question: str, person: str, channel: str, alone: str = "") -> None:
        """On a message that they see `alone`, with an address of this name."""
        with self.house.database.reading() as session:
            view = answers.view(session, question)
        assert view is not None
        payload = click(action, view.answer_id, USERS[person], channel, alone=bool(alone))
        url = self.response_url(alone, person) if alone else None
        self.send(payload | {"trigger_id": f"click{next(self._names)}", "response_url": url})

    def send(self, payload: dict[str, Any]) -> None:
        body = json.dumps(payload)
        if payload["type"] != "event_callback":
            body = urlencode({"payload": body})
        assert self.app.bolt.dispatch(BoltRequest(body=body, headers={})).status == 200

    def open_home(self, person: str) -> Shown:
        facts = self._home.facts("slack", f"slack:{TEAM}:{USERS[person]}")
        view = views.home(facts, datetime.now(UTC), admin=False)
        return Shown("slack: home", self.alone(person), json.dumps(view, ensure_ascii=False))

    def answer_alone_in(self, channel: str, *, alone: bool) -> None:
        """Whether only the asker sees the answers there."""
        self.rooms.change(room_id(TEAM, channel), RoomSettings(ephemeral=alone), "test")

    def newest(self) -> str:
        with self.house.database.reading() as session:
            return session.scalars(select(QuestionRow.id).order_by(QuestionRow.created_at.desc())).first() or ""

    # --- what we do

    def answer(self, question: str, *, deliver: bool = True) -> None:
        """And tell how far it is while it is being written. Without delivery its job waits."""
        self._run(("deliver.progress",))
        self.house.generator.requests.clear()
        self.house.meanwhile = lambda: self.delivery.progress(question)
        self._desk.answer(question)
        self.house.meanwhile = lambda: None
        if deliver:
            self.deliver()

    def deliver(self) -> None:
        """Whatever waits to be shown."""
        self._run(("deliver.answer", "deliver.progress", "deliver.notice", "deliver.withdraw"))

    def remind(self) -> None:
        with self.house.database.reading() as session:
            due = session.scalars(select(NoticeRow.id).where(NoticeRow.kind == NoticeKind.REMINDER)).all()
        for notice in due:
            self.delivery.notify(notice)

    def _run(self, tasks: tuple[str, ...]) -> None:
        doors = {
            "deliver.answer": self.delivery.deliver,
            "deliver.progress": self.delivery.progress,
            "deliver.withdraw": self.delivery.withdraw,
            "deliver.notice": self.delivery.notify,
        }
        while due := [job for job in self._queue.jobs if job.task in tasks]:
            self._queue.jobs.remove(due[0])
            doors[due[0].task](due[0].args[0])

    # --- what was told

    def tell(self) -> list[Shown]:
        calls, self._told = self.server.calls[self._told :], len(self.server.calls)
        return [shown for call in calls for shown in self._shown(call)]

    def _shown(self, call: Call) -> Iterator[Shown]:
        text = json.dumps(call.said, ensure_ascii=False)
        if call.method in POSTED and call.said["channel"].startswith("D"):
            user = call.said["channel"].removeprefix("D")
            yield Shown("slack: direct", self._of_user(user), text)
        elif call.method in POSTED:
            yield Shown(f"slack: {call.said['channel']}", self.readers(call.said["channel"]), text)
        elif call.method == "chat.postEphemeral":
            yield Shown("slack: for one alone", self._of_user(call.said["user"]), text)
        elif call.method.startswith("response/"):
            yield Shown("slack: command", self.alone(self._commands[call.method.removeprefix("response/")]), text)

    def _of_user(self, user: str) -> Readers:
        return self.alone({known: name for name, known in USERS.items()}[user])

    def judge(self, *shown: Shown) -> list[Shown]:
        """Nobody was told what they may not know; returns what was told."""
        every = [*self.tell(), *shown]
        for each in every:
            judge(self.company, each, self.house.document_ids, complete=False)
        return every

    def judge_history(self, readers: Readers) -> None:
        """What the last answer was made from."""
        made_from = repr((self.house.answering.last, self.house.generator.requests))
        judge(self.company, Shown("slack: history and prompt", readers, made_from), self.house.document_ids)


@contextmanager
def an_office(house: House) -> Iterator[SlackOffice]:
    with SlackServer() as server:
        office = SlackOffice(house, server)
        yield office
        office.app.later.close()
