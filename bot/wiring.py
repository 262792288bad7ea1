"""Which backend stands behind each port of the bot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from answerloop.backends.directory_file import FileDirectory
from answerloop.backends.directory_slack import SlackDirectory
from answerloop.backends.queue_celery import CeleryTaskQueue
from answerloop.backends.tokens_slack import SlackTokens
from answerloop.db.courier import Courier
from answerloop.db.repositories import documents, processes
from answerloop.db.session import Database
from answerloop.errors import AnswerloopError, QueueUnavailable
from answerloop.heartbeat import Heartbeat
from answerloop.home import Home
from answerloop.observability import render_metrics
from answerloop.ports import TaskQueue
from answerloop.settings import Settings
from answerloop.slack.manifest import INSTALL_PATH, REDIRECT_PATH
from bot.feedback import FeedbackBox
from bot.gauges import Gauges
from bot.hearing import Hearing
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms
from bot.slack import escalation as slack
from bot.slack.actions import Actions
from bot.slack.app import SlackApp
from bot.slack.authorize import authorizer
from bot.slack.background import Background
from bot.slack.door import SlackDoor
from bot.slack.messages import Messages
from bot.slack.oauth import SlackInstall
from bot.slack.socket import Connection
from bot.teams import escalation as teams
from bot.teams.actions import Actions as TeamsActions
from bot.teams.app import TeamsApp
from bot.teams.messages import Messages as TeamsMessages
from bot.teams.places import Places
from bot.web.app import create_app

if TYPE_CHECKING:
    from bot.teams.door import TeamsDoor

RENEW_SECONDS = 600.0
ANSWERING = frozenset({"worker-answer", "worker-all"})


class Bot:
    """The parts of the bot's process."""

    def __init__(self, settings: Settings) -> None:
        settings.require_identity()
        self.database = Database(settings.effective_database_url, urgent=True)
        self.database.check()
        self.queue = CeleryTaskQueue(settings.effective_broker_url)
        self.heartbeat = Heartbeat(self.database, "bot", settings.lease_seconds / 3, settings.alive_file)
        registry = CollectorRegistry()
        registry.register(Gauges(self.database, self.queue, settings.state.root))
        self.courier = Courier(self.database, self.queue)
        intake = Intake(
            self.database,
            self.queue,
            settings.max_question_characters,
            settings.questions_per_person,
            self.courier.post,
        )
        feedback = FeedbackBox(self.database, settings.feedback_per_person)
        directory = FileDirectory(settings.directory_file, settings.tenant)
        self.app: FastAPI = create_app(
            settings, self.database, intake, feedback, directory, self.health, lambda: render_metrics(registry)
        )
        rooms = Rooms(self.database)
        if settings.rooms_file:
            rooms.seed(settings.rooms_file)
        self.slack = None
        if settings.slack != "off":
            self.slack = SlackChannel(settings, self.database, self.queue, intake, feedback, directory, rooms)
            self.slack.add_routes(self.app)
        if settings.teams != "off":
            home = Home(self.database, directory, settings.tenant)
            door = teams_door(settings, self.database, self.queue, intake, feedback, rooms, home)
            self.app.add_route("/api/messages", door.enter, methods=["POST"])

    def start(self) -> None:
        self.heartbeat.start()
        self.courier.start()
        if self.slack:
            self.slack.start()

    def stop(self) -> None:
        if self.slack:
            self.slack.stop()
        self.courier.stop()
        self.heartbeat.stop()

    def health(self) -> Mapping[str, str]:
        """Whether a question asked now would be answered: "ok", or what is wrong."""
        return {
            "database": _checked(self.database.check),
            "broker": _checked(self.queue.depths),
            "worker": _checked(self._require_worker),
            "documents": _checked(self._require_documents),
            **(self.slack.health() if self.slack else {}),
        }

    def _require_worker(self) -> None:
        with self.database.reading() as session:
            if not any(process.name in ANSWERING for process in processes.alive(session)):
                raise QueueUnavailable("no worker answers questions")

    def _require_documents(self) -> None:
        with self.database.reading() as session:
            if not documents.count(session):
                raise QueueUnavailable("no document is indexed: run `answerloop ingest`")


class SlackChannel:
    """Slack's part of the bot, over one of its two transports."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: TaskQueue,
        intake: Intake,
        feedback: FeedbackBox,
        people: FileDirectory,
        rooms: Rooms,
    ) -> None:
        settings.require_slack()
        self._settings = settings
        tokens = SlackTokens.of(settings, database)
        directory = SlackDirectory(tokens, people, settings.tenant, api_url=settings.slack_api_url)
        escalation = slack.Escalation(rooms, settings.slack_escalation, settings.slack_escalation_channel)
        actions = AnswerActions(database, queue, intake, escalation, feedback)
        messages = Messages(Hearing(intake, rooms, actions, settings.tenant), intake, rooms)
        self.app = SlackApp(
            authorizer(tokens.known),
            settings.slack_api_url,
            messages,
            Actions(feedback, actions, messages),
            rooms,
            Home(database, directory, settings.tenant),
            frozenset(settings.slack_admins),
            tokens.forget,
        )
        self._tokens = tokens
        self._socket: Connection | None = None
        self._background: list[Background] = []
        self._install = SlackInstall(settings, tokens, database) if settings.slack_client_id else None

    def add_routes(self, app: FastAPI) -> None:
        """Only signed requests come in, and none at all while a connection of ours is used instead."""
        if self._settings.slack == "http":
            secret = self._settings.slack_signing_secret.get_secret_value()
            app.add_route("/slack/events", SlackDoor(self.app.bolt.dispatch, secret).enter, methods=["POST"])
        if self._install:
            app.add_route(INSTALL_PATH, self._install.begin, methods=["GET"])
            app.add_route(REDIRECT_PATH, self._install.finish, methods=["GET"])

    def start(self) -> None:
        if self._settings.slack_bot_token:
            self._background.append(Background("slack-own-user", self._tokens.learn_own_user))
        else:
            self._background.append(Background("slack-tokens", self._tokens.renew_due, every=RENEW_SECONDS))
        if self._settings.slack == "socket":
            token = self._settings.slack_app_token.get_secret_value()
            self._socket = Connection(self.app.bolt, token, self._settings.slack_api_url)

    def health(self) -> Mapping[str, str]:
        """Of the connection that we hold ourselves."""
        return {"slack": self._socket.state()} if self._socket else {}

    def stop(self) -> None:
        for background in self._background:
            background.close()
        if self._socket:
            self._socket.close()
        self.app.later.close()


def teams_door(
    settings: Settings,
    database: Database,
    queue: TaskQueue,
    intake: Intake,
    feedback: FeedbackBox,
    rooms: Rooms,
    home: Home,
) -> TeamsDoor:
    """Raises ConfigurationError. The SDK is loaded where Teams is used, and nowhere else."""
    from bot.teams.adapter import SdkAdapter
    from bot.teams.door import TeamsDoor
    from bot.teams.signing_keys import SigningKeys
    from bot.teams.tokens import TokenVerifier

    settings.require_teams()
    places = Places(database)
    escalation = teams.Escalation(rooms, places, settings.teams_escalation, settings.teams_escalation_channel)
    actions = AnswerActions(database, queue, intake, escalation, feedback)
    hearing = Hearing(intake, rooms, actions, settings.tenant)
    messages = TeamsMessages(hearing, intake, actions, places, rooms)
    app = TeamsApp(
        messages,
        TeamsActions(feedback, actions, messages),
        rooms,
        places,
        home,
        frozenset(settings.teams_admins),
    )
    development = settings.teams == "development"
    verifier = None if development else TokenVerifier(SigningKeys(settings.teams_openid_url), settings.teams_app_id)
    return TeamsDoor(
        verifier,
        SdkAdapter(settings.teams_app_id),
        app,
        tenants=settings.effective_teams_tenants,
        hosts=settings.teams_service_hosts,
    )


def _checked(check: Callable[[], object]) -> str:
    try:
        check()
    except AnswerloopError as error:
        return str(error)
    return "ok"
