"""What an operator still has to do before Teams works, as far as Microsoft and the settings tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from answerloop.backends.finding import Found
from answerloop.backends.teams_credentials import BOT_SCOPE, GRAPH_SCOPE, Tokens
from answerloop.db.repositories import places
from answerloop.db.session import Database
from answerloop.errors import AnswerloopError, ConfigurationError
from answerloop.settings import Settings
from answerloop.teams.address import CHANNEL, person_id, room_id
from answerloop.teams.service import LOOPBACK

REPLY_SECONDS = 10


class TeamsCheckup:
    """`tokens_for` a scope gives what tells a token."""

    def __init__(self, settings: Settings, database: Database, tokens_for: Callable[[str], Tokens]) -> None:
        self._settings = settings
        self._database = database
        self._tokens_for = tokens_for

    def findings(self) -> Iterator[Found]:
        """Every check, also after one has failed."""
        checks: dict[str, Callable[[], Iterator[Found]]] = {
            "teams": self._registration,
            "teams sign-in": self._sign_in,
            "teams signing keys": self._signing_keys,
            "teams endpoint": self._endpoint,
            "teams rooms": self._places,
            "teams people": self._people,
            "teams graph": self._graph,
        }
        for name, check in checks.items():
            try:
                yield from check()
            except AnswerloopError as error:
                yield Found(name, False, str(error))

    def _registration(self) -> Iterator[Found]:
        settings = self._settings
        if settings.teams == "off":
            text = "off: set ANSWERLOOP_TEAMS to the type of the app registration"
            yield Found("teams", False, text)
            return
        try:
            settings.require_teams()
        except ConfigurationError as error:
            yield Found("teams", False, str(error))
            return
        if settings.teams == "development":
            yield Found("teams", False, "development lets everybody in: only for a simulator on this machine")
            return
        yield Found("teams", True, settings.teams)
        for name, value in (
            ("ANSWERLOOP_TEAMS_APP_ID", settings.teams_app_id),
            ("ANSWERLOOP_TEAMS_TENANT_ID", settings.teams_tenant_id),
        ):
            if not _is_guid(value):
                yield Found("teams", False, f"{name} is no GUID: copy it from the app registration in Entra")

    def _sign_in(self) -> Iterator[Found]:
        if self._is_registered():
            self._tokens_for(BOT_SCOPE)()
            yield Found("teams sign-in", True, "Microsoft gives us a token")

    def _signing_keys(self) -> Iterator[Found]:
        if not self._is_registered():
            return
        try:
            reply = httpx.get(self._settings.teams_openid_url, timeout=REPLY_SECONDS)
            there = reply.is_success and "jwks_uri" in reply.json()
        except (httpx.HTTPError, ValueError):
            there = False
        text = "within reach" if there else "out of reach: open the way to ANSWERLOOP_TEAMS_OPENID_URL"
        yield Found("teams signing keys", there, text)

    def _endpoint(self) -> Iterator[Found]:
        public = self._settings.public_url
        if not public.startswith("https://"):
            text = "Teams needs an https address that ends at our port: set ANSWERLOOP_PUBLIC_URL"
            yield Found("teams endpoint", False, text)
        else:
            text = f"give {public.rstrip('/')}/api/messages as the messaging endpoint of the bot"
            yield Found("teams endpoint", True, text)

    def _places(self) -> Iterator[Found]:
        with self._database.reading() as session:
            known = places.starting_with(session, f"{CHANNEL}:")
        rooms = [place for place in known if "kind" in place.data]
        text = f"{len(known) - len(rooms)} people and {len(rooms)} chats or channels have reached us"
        yield Found("teams rooms", True, text if known else "nobody has reached us yet: write to the bot in Teams")

    def _people(self) -> Iterator[Found]:
        """Whom Teams has not named to us can hardly be reached."""
        settings = self._settings
        tenant = settings.teams_tenant_id
        with self._database.reading() as session:
            unknown = [user for user in settings.teams_escalation if not places.get(session, person_id(tenant, user))]
            channel = settings.teams_escalation_channel
            lacking = channel and not places.get(session, room_id(tenant, channel))
        if unknown:
            text = f"ANSWERLOOP_TEAMS_ESCALATION: ask them to write to the bot once, {', '.join(unknown)}"
            yield Found("teams people", False, text)
        if lacking:
            text = "ANSWERLOOP_TEAMS_ESCALATION_CHANNEL: we are not there; add the bot to that team and mention it once"
            yield Found("teams people", False, text)
        if not settings.teams_escalation and not channel:
            text = "nobody is called when somebody asks for a human, but where a room names people"
            yield Found("teams people", True, text)

    def _graph(self) -> Iterator[Found]:
        if not self._settings.teams_graph_url or not self._is_registered():
            return
        base = urlsplit(self._settings.teams_graph_url)
        if base.scheme != "https" and base.hostname not in LOOPBACK:
            yield Found("teams graph", False, "ANSWERLOOP_TEAMS_GRAPH_URL must be https: tokens are sent there")
            return
        headers = {"Authorization": f"Bearer {self._tokens_for(GRAPH_SCOPE)()}"}
        try:
            url = f"{self._settings.teams_graph_url.rstrip('/')}/users?$top=1&$select=id"
            status = httpx.get(url, headers=headers, timeout=REPLY_SECONDS).status_code
        except httpx.HTTPError as error:
            yield Found("teams graph", False, f"out of reach: {type(error).__name__}")
            return
        good = status == httpx.codes.OK
        text = "answers" if good else f"says {status}: grant User.Read.All and GroupMember.Read.All, with consent"
        yield Found("teams graph", good, text)

    def _is_registered(self) -> bool:
        return self._settings.teams not in ("off", "development")


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
