"""What an operator still has to do before Slack works, as far as Slack and the settings tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slack_sdk import WebClient

from answerloop.backends.finding import Found
from answerloop.backends.slack_api import Gone, call, client
from answerloop.backends.tokens_slack import SlackTokens
from answerloop.db.repositories import installations
from answerloop.db.session import Database
from answerloop.errors import AnswerloopError
from answerloop.settings import Settings
from answerloop.slack.address import CHANNEL
from answerloop.slack.manifest import EVENTS, INSTALL_PATH, SCOPES

THE_ONE = ""
"""Whatever workspace the bot token of the settings belongs to."""


class SlackCheckup:
    def __init__(self, settings: Settings, tokens: SlackTokens, database: Database) -> None:
        self._settings = settings
        self._tokens = tokens
        self._database = database
        self._bot_token = settings.slack_bot_token.get_secret_value()
        self._app_token = settings.slack_app_token.get_secret_value()

    def findings(self) -> Iterator[Found]:
        """Every check, also after one has failed."""
        checks: dict[str, Callable[[], Iterator[Found]]] = {
            "slack": self._transport,
            "slack connection": self._connection,
            "slack workspace": self._workspaces,
            "slack people": self._people,
            "slack escalation channel": self._escalation_channel,
            "slack events": self._events,
        }
        for name, check in checks.items():
            try:
                yield from check()
            except AnswerloopError as error:
                yield Found(name, False, str(error))

    def _transport(self) -> Iterator[Found]:
        settings = self._settings
        if settings.slack == "off":
            yield Found("slack", False, "off: set ANSWERLOOP_SLACK to http or socket")
        if settings.slack == "http":
            given = bool(settings.slack_signing_secret.get_secret_value())
            text = "given" if given else "missing: set ANSWERLOOP_SLACK_SIGNING_SECRET (Basic Information)"
            yield Found("slack signing secret", given, text)
        if not self._bot_token and not settings.slack_client_id:
            text = "missing: set ANSWERLOOP_SLACK_BOT_TOKEN (OAuth & Permissions), or ANSWERLOOP_SLACK_CLIENT_ID"
            yield Found("slack bot token", False, text)
        if self._bot_token:
            yield _token("bot token", self._bot_token, ("xoxb-", "xoxe.xoxb-"))

    def _connection(self) -> Iterator[Found]:
        if self._settings.slack != "socket":
            return
        if not self._app_token:
            text = "missing: set ANSWERLOOP_SLACK_APP_TOKEN (Basic Information, scope connections:write)"
            yield Found("slack app token", False, text)
            return
        yield _token("app token", self._app_token, ("xapp-",))
        call(client("", self._settings.slack_api_url).apps_connections_open, app_token=self._app_token)
        yield Found("slack connection", True, "Slack would take one")

    def _workspaces(self) -> Iterator[Found]:
        known = self._known()
        if not known and self._settings.slack_client_id:
            yield Found("slack workspace", False, f"none has installed us: open {INSTALL_PATH} of our public address")
        for workspace in known:
            try:
                yield from self._workspace(self._client(workspace))
            except AnswerloopError as error:
                yield Found(f"slack workspace {workspace}".rstrip(), False, str(error))

    def _workspace(self, slack: WebClient) -> Iterator[Found]:
        headers: dict[str, str] = {}

        def auth_test() -> Any:
            response = slack.auth_test()
            headers.update({name.lower(): value for name, value in response.headers.items()})
            return response

        who = call(auth_test)
        yield Found("slack workspace", True, f"{who.get('team')} ({who.get('team_id')}), as @{who.get('user')}")
        granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")} - {""}
        missing = [scope for scope in SCOPES if scope not in granted]
        if not granted:
            yield Found("slack scopes", True, "Slack does not tell them here")
        elif missing:
            text = f"missing: {', '.join(missing)}; add them under OAuth & Permissions and install the app again"
            yield Found("slack scopes", False, text)
        else:
            yield Found("slack scopes", True, "all granted")

    def _people(self) -> Iterator[Found]:
        clients = [self._client(workspace) for workspace in self._known()]
        for name, people in (
            ("ANSWERLOOP_SLACK_ESCALATION", self._settings.slack_escalation),
            ("ANSWERLOOP_SLACK_ADMINS", self._settings.slack_admins),
        ):
            missing = [person for person in people if not any(_is_there(slack, person) for slack in clients)]
            if missing:
                yield Found("slack people", False, f"{name} names nobody who is there: {', '.join(missing)}")
        if not self._settings.slack_escalation:
            text = "nobody is tagged when somebody asks for a human, but where a channel names people"
            yield Found("slack people", True, text)

    def _escalation_channel(self) -> Iterator[Found]:
        channel = self._settings.slack_escalation_channel
        if channel:
            there = any(_is_member(self._client(workspace), channel) for workspace in self._known())
            text = channel if there else f"{channel} is not a channel that we are in: invite us there"
            yield Found("slack escalation channel", there, text)

    def _events(self) -> Iterator[Found]:
        text = f"Slack does not tell which we get; there should be {', '.join(EVENTS)} (`answerloop slack manifest`)"
        yield Found("slack events", True, text)

    def _known(self) -> Sequence[str]:
        if self._bot_token:
            return [THE_ONE]
        if not self._settings.slack_client_id:
            return []
        with self._database.reading() as session:
            return [installation.workspace for installation in installations.of_channel(session, CHANNEL)]

    def _client(self, workspace: str) -> WebClient:
        return client(self._tokens(workspace), self._settings.slack_api_url)


def _token(name: str, token: str, prefixes: tuple[str, ...]) -> Found:
    """Its first characters tell the kind, and nothing secret."""
    fits = token.startswith(prefixes)
    return Found(f"slack {name}", fits, "given" if fits else f"is of another kind: it should begin with {prefixes[0]}")


def _is_there(slack: WebClient, user: str) -> bool:
    try:
        return not call(slack.users_info, user=user)["user"].get("deleted")
    except Gone as error:
        if error.code != "user_not_found":
            raise
        return False


def _is_member(slack: WebClient, channel: str) -> bool:
    try:
        return bool(call(slack.conversations_info, channel=channel)["channel"].get("is_member"))
    except Gone as error:
        if error.code != "channel_not_found":
            raise
        return False
