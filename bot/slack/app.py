"""Which of Slack's requests means what: listeners store and acknowledge, in that order.

Bolt answers 200 after a listener has returned (`process_before_response`); one that raises makes Slack send it again.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from answerloop.db.session import DuplicateKey
from answerloop.errors import Retryable
from answerloop.home import Home
from answerloop.slack.address import CHANNEL, person_id, room_id
from answerloop.slack.manifest import PROMPTS
from bot.payload import MalformedPayload, field, optional
from bot.rooms import Rooms
from bot.slack import views
from bot.slack.actions import Actions
from bot.slack.later import Later
from bot.slack.messages import Messages
from bot.slack.payload import parse_said

log = logging.getLogger(__name__)

Body = dict[str, Any]
Authorize = Callable[..., AuthorizeResult | None]
OWN_WORDS = frozenset({None, "file_share", "thread_broadcast"})
ADMIN_SECONDS = 3600.0


class SlackApp:
    """Bolt with our listeners. Both transports dispatch to `bolt`."""

    def __init__(
        self,
        authorize: Authorize,
        api_url: str,
        messages: Messages,
        actions: Actions,
        rooms: Rooms,
        home: Home,
        admins: frozenset[str],
        forget: Callable[[str, datetime], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._messages, self._actions, self._rooms, self._home = messages, actions, rooms, home
        self._admins = admins
        self._verified_admins: dict[str, float] = {}  # when, by person
        self._forget = forget
        self._clock = clock
        self.later = Later()
        self.bolt = App(
            client=WebClient(base_url=api_url, timeout=5, retry_handlers=[]),
            authorize=authorize,  # type: ignore[arg-type]
            process_before_response=True,
            request_verification_enabled=False,  # the door has done it, on the raw bytes
            raise_error_for_unhandled_request=False,
        )
        self._register()

    def _register(self) -> None:
        bolt = self.bolt
        bolt.error(_failed)
        bolt.middleware(_drop_noise)
        bolt.event("app_mention")(self._said)
        bolt.event("message")(self._message)
        bolt.event("reaction_added")(self._reaction)
        bolt.event("reaction_removed")(self._reaction)
        bolt.event("app_home_opened")(self._home_opened)
        bolt.event("app_uninstalled")(self._uninstalled)
        bolt.event("tokens_revoked")(self._revoked)
        bolt.event(re.compile(".*"))(_nothing)
        bolt.command("/ask")(self._command)
        bolt.shortcut("answer_message")(self._answer_message)
        bolt.shortcut("suggest_answer")(self._suggest)
        bolt.action(re.compile("^answer_(feedback|up|down)$"))(self._thumb)
        for name, act in (
            ("answer_human", self._actions.ask_human),
            ("answer_retract", self._actions.retract),
            ("answer_share", self._actions.share),
            ("escalation_resolved", self._actions.resolve),
        ):
            bolt.action(name)(_click(act))
        bolt.action(re.compile("^suggestion_(accept|dismiss)$"))(self._suggestion)
        bolt.action("home_room")(self._choose_room)
        bolt.action(re.compile(".*"))(_acknowledge)
        bolt.view(views.FEEDBACK_DETAILS)(self._details)
        bolt.view(views.ROOM_SETTINGS)(self._room_settings)

    # --- messages

    def _said(self, body: Body, context: BoltContext) -> None:
        self._messages.hear(parse_said(body, _own_user(body, context)))

    def _message(self, body: Body, context: BoltContext) -> None:
        match body["event"].get("subtype"):
            case "message_changed":
                self._messages.edited(body, _own_user(body, context))
            case "message_deleted":
                self._messages.deleted(body)
            case _:
                self._said(body, context)

    def _command(self, ack: Ack, body: Body) -> None:
        ack(text=self._messages.command(body), response_type="ephemeral")

    def _answer_message(self, ack: Ack, body: Body, context: BoltContext) -> None:
        self._messages.answer_message(body, context.bot_user_id)
        ack()

    # --- clicks

    def _thumb(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        prefix = {"answer_up": "up:", "answer_down": "down:"}.get(field(action, "action_id"), "")
        dialog = self._actions.thumb(body, prefix + field(action, "value"))
        ack()
        trigger = optional(body, "trigger_id")
        if dialog and trigger:
            self.later(lambda: client.views_open(trigger_id=trigger, view=dialog))

    def _details(self, ack: Ack, body: Body) -> None:
        errors = self._actions.details(body)
        if errors:
            ack(response_action="errors", errors=errors)
        else:
            ack(response_action="update", view=views.thanked())

    def _suggest(self, ack: Ack, body: Body) -> None:
        self._actions.suggest(body)
        ack()

    def _suggestion(self, ack: Ack, body: Body, action: Body, respond: Callable[..., Any]) -> None:
        if field(action, "action_id") == "suggestion_accept":
            self._actions.accept_suggestion(body, field(action, "value"))
        ack()
        if optional(body, "response_url"):
            self.later(lambda: respond(delete_original=True))

    def _reaction(self, body: Body) -> None:
        self._actions.reaction(body)

    # --- the App Home

    def _home_opened(self, body: Body, event: Body, client: WebClient, set_suggested_prompts: Any) -> None:
        user, team = field(event, "user"), field(body, "team_id")
        if event.get("tab") == "messages" and set_suggested_prompts is not None:
            self.later(lambda: set_suggested_prompts(prompts=list(PROMPTS)))
        elif event.get("tab") == "home":
            self.later(lambda: self._publish_home(client, team, user))

    def _publish_home(self, client: WebClient, team: str, user: str) -> None:
        facts = self._home.facts(CHANNEL, person_id(team, user))
        view = views.home(facts, datetime.now(UTC), admin=self._is_admin(client, team, user))
        client.views_publish(user_id=user, view=view)

    def _choose_room(self, ack: Ack, body: Body, action: Body, client: WebClient) -> None:
        ack()
        channel = _channel(field(action, "selected_conversation"))
        team, user, trigger = field(body, "team", "id"), field(body, "user", "id"), field(body, "trigger_id")
        self.later(lambda: self._open_room(client, team, user, channel, trigger))

    def _open_room(self, client: WebClient, team: str, user: str, channel: str, trigger: str) -> None:
        if self._is_admin(client, team, user):
            settings = self._rooms.settings_of(room_id(team, channel))
            view = views.room_settings(channel, settings, self._home.sources())
            client.views_open(trigger_id=trigger, view=view)

    def _is_admin(self, client: WebClient, team: str, user: str) -> bool:
        """Of this workspace. Asked of Slack before the dialog opens; what is submitted within an hour is believed."""
        known, person = user in self._admins, person_id(team, user)
        if not known:
            found = client.users_info(user=user).get("user") or {}
            known = found.get("team_id") == team and bool(found.get("is_admin") or found.get("is_owner"))
        if known:
            self._verified_admins[person] = self._clock()
        else:
            self._verified_admins.pop(person, None)
        return known

    def _room_settings(self, ack: Ack, body: Body) -> None:
        user, team, channel = (
            field(body, "user", "id"),
            field(body, "team", "id"),
            _channel(field(body, "view", "private_metadata")),
        )
        room, person = room_id(team, channel), person_id(team, user)
        if self._clock() - self._verified_admins.get(person, -ADMIN_SECONDS) >= ADMIN_SECONDS:
            ack(response_action="errors", errors={"respond": "Please open this dialog again."})
            return
        values = (body["view"].get("state") or {}).get("values")
        try:
            settings = views.read_room_settings(values, self._rooms.settings_of(room), self._home.sources())
        except ValueError as error:
            raise MalformedPayload(str(error)) from None
        self._rooms.change(room, settings, person)
        ack()

    # --- the workspace

    def _uninstalled(self, body: Body) -> None:
        """Slack's events may come late, and again."""
        self._forget(field(body, "team_id"), _time_of(body))

    def _revoked(self, body: Body) -> None:
        if (body["event"].get("tokens") or {}).get("bot"):
            self._uninstalled(body)


def _drop_noise(body: Body, next_: Callable[[], Any], context: BoltContext) -> Any:
    """No loop can begin: what a bot wrote, or nobody, is no message to us."""
    event = body.get("event")
    if isinstance(event, dict):
        subtype = event.get("subtype")
        ours = event.get("type") == "message" and subtype in ("message_changed", "message_deleted")
        if event.get("bot_id") or (subtype not in OWN_WORDS and not ours):
            return context.ack()
    return next_()


def _time_of(body: Body) -> datetime:
    try:
        return datetime.fromtimestamp(body["event_time"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise MalformedPayload("event_time is missing") from None


def _own_user(body: Body, context: BoltContext) -> str | None:
    """Who we are in that workspace: Slack says it with each event; where it does not, what we know."""
    bots = [each for each in body.get("authorizations") or () if each.get("is_bot")]
    return optional(bots[0], "user_id") if bots else context.bot_user_id


def _click(act: Callable[[Body, str], None]) -> Callable[..., None]:
    def clicked(ack: Ack, body: Body, action: Body) -> None:
        act(body, field(action, "value"))
        ack()

    return clicked


def _channel(written: str) -> str:
    """Raises MalformedPayload."""
    if not views.CHANNEL_ID.fullmatch(written):
        raise MalformedPayload("not the id of a channel")
    return written


def _nothing() -> None:
    """An event that means nothing to us; Slack need not send it again."""


def _acknowledge(ack: Ack) -> None:
    ack()


def _failed(error: Exception) -> BoltResponse:
    match error:
        case MalformedPayload():
            log.info("malformed request refused", extra={"error": str(error)})
            return BoltResponse(status=400, body="malformed")
        case Retryable() | DuplicateKey():
            log.warning("nothing was stored, Slack will send it again", extra={"error": str(error)})
            return BoltResponse(status=503, body="again, please")
    log.error("listener failed", exc_info=error)
    return BoltResponse(status=500, body="failed")
