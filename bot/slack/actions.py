"""What people click in Slack. Values carry an id and nothing else; whether the person may is asked of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from answerloop.db.session import DuplicateKey
from answerloop.domain import FeedbackReason, InboundQuestion, NoticeKind, Thumb
from answerloop.errors import InvalidFeedback, NotFound, UserFault
from answerloop.slack.address import CHANNEL, Mode, SlackAddress, person_id, room_id
from answerloop.slack.mrkdwn import plain
from bot.feedback import FeedbackBox
from bot.payload import MalformedPayload, field, optional
from bot.people import AnswerActions
from bot.slack import views
from bot.slack.messages import Messages

GONE = "This answer is not there any more."
REACTIONS = {"+1": Thumb.UP, "thumbsup": Thumb.UP, "-1": Thumb.DOWN, "thumbsdown": Thumb.DOWN}


class Clicked:
    """Who clicked what, where. Raises MalformedPayload."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.workspace = field(body, "team", "id")
        self.user = field(body, "user", "id")
        self.person = person_id(self.workspace, self.user)
        self.channel = optional(body, "channel", "id") or optional(body, "container", "channel_id")
        self.room = room_id(self.workspace, self.channel) if self.channel else None
        self.thread = optional(body, "message", "thread_ts") or optional(body, "container", "thread_ts")
        self.trigger = optional(body, "trigger_id")
        self.response_url = optional(body, "response_url")
        container = body.get("container")
        self.alone = isinstance(container, Mapping) and container.get("is_ephemeral") is True
        self.in_public = isinstance(container, Mapping) and not self.alone

    def address(self) -> SlackAddress:
        """Below a message that everybody sees we are told by a post in its thread; what goes to the click's own address
        does not stand there."""
        mode = Mode.DIRECT if (self.channel or "D").startswith("D") else Mode.EPHEMERAL
        return SlackAddress(
            self.workspace,
            self.channel or self.user,
            self.user,
            mode,
            thread=self.thread,
            response_url=None if self.in_public else self.response_url,
        )

    def renewed(self) -> dict[str, Any]:
        """What changes in the address of a private answer: the click lets us change the message it was made on, for
        half an hour again."""
        return {"response_url": self.response_url} if self.alone and self.response_url else {}


class Actions:
    """Each method stores what was meant and raises MalformedPayload or DatabaseUnavailable; a click that is refused is
    answered for its person alone."""

    def __init__(self, feedback: FeedbackBox, actions: AnswerActions, messages: Messages) -> None:
        self._feedback = feedback
        self._actions = actions
        self._messages = messages

    def thumb(self, body: Mapping[str, Any], value: str) -> dict[str, Any] | None:
        """`up:ID` or `down:ID`. Returns the dialog that asks why, for a thumb down."""
        direction, _, answer_id = value.partition(":")
        if direction not in ("up", "down") or not answer_id:
            raise MalformedPayload("the value names no thumb")
        clicked = Clicked(body)

        def give() -> None:
            self._feedback.rate(clicked.person, answer_id, Thumb(direction), clicked.room)

        if not self._allowed(clicked, answer_id, give):
            return None
        if direction == "down":
            return views.feedback_details(answer_id)
        self._tell(clicked, NoticeKind.THANKS, "", f"thanks:{answer_id}:{clicked.person}")
        return None

    def details(self, body: Mapping[str, Any]) -> dict[str, str]:
        """The submitted dialog; returns what is wrong with it, by block."""
        view = body.get("view")
        values = view.get("state", {}).get("values", {}) if isinstance(view, Mapping) else {}
        answer_id, clicked = field(body, "view", "private_metadata"), Clicked(body)
        reason = optional(values, "reason", "reason", "selected_option", "value")
        better, source = (optional(values, name, name, "value") for name in ("better", "source"))
        comment = optional(values, "comment", "comment", "value")
        if reason and reason not in set(FeedbackReason):
            raise MalformedPayload("there is no such reason")
        if not reason and not better and not source and not comment:
            return {"reason": "Please choose a reason, or write a better answer."}
        try:
            self._feedback.explain(
                clicked.person,
                answer_id,
                FeedbackReason(reason) if reason else None,
                better,
                comment=comment,
                source=source,
            )
        except InvalidFeedback as error:
            return {error.about or "better": str(error)}
        except NotFound:
            return {"reason": GONE}
        return {}

    def ask_human(self, body: Mapping[str, Any], answer_id: str) -> None:
        clicked = Clicked(body)

        def call() -> None:
            self._actions.ask_human(answer_id, clicked.person, clicked.room, clicked.renewed())

        self._allowed(clicked, answer_id, call)

    def resolve(self, body: Mapping[str, Any], answer_id: str) -> None:
        clicked = Clicked(body)
        self._allowed(clicked, answer_id, lambda: self._actions.resolve(answer_id, clicked.person, clicked.room))

    def retract(self, body: Mapping[str, Any], answer_id: str) -> None:
        clicked = Clicked(body)
        self._allowed(clicked, answer_id, lambda: self._actions.retract(answer_id, clicked.person, clicked.renewed()))

    def share(self, body: Mapping[str, Any], answer_id: str) -> None:
        clicked = Clicked(body)

        def inbound(text: str, address: Mapping[str, Any]) -> InboundQuestion:
            return self._messages.share(answer_id, text, address, clicked.response_url)

        self._allowed(clicked, answer_id, lambda: self._actions.share(answer_id, clicked.person, inbound))

    def accept_suggestion(self, body: Mapping[str, Any], notice_id: str) -> None:
        clicked = Clicked(body)
        if self._allowed(clicked, notice_id, lambda: self._actions.accept_suggestion(notice_id, clicked.person)):
            self._tell(clicked, NoticeKind.THANKS, "", f"thanks:{notice_id}:{clicked.person}")

    def suggest(self, body: Mapping[str, Any]) -> None:
        """The shortcut "Suggest as better answer" on a reply in the thread of an answer."""
        clicked = Clicked(body)
        thread, written = optional(body, "message", "thread_ts"), optional(body, "message", "text")
        if not thread or not written or not clicked.channel:
            self._tell(
                clicked, NoticeKind.REFUSED, "Choose a reply below one of my answers.", f"suggest:{clicked.trigger}"
            )
            return
        conversation = f"{clicked.workspace}:{clicked.channel}:{thread}"

        def store() -> None:
            self._actions.suggest(CHANNEL, conversation, clicked.person, clicked.room, plain(written))

        if self._allowed(clicked, conversation, store):
            self._tell(clicked, NoticeKind.THANKS, "", f"thanks:{conversation}:{clicked.person}")

    def reaction(self, body: Mapping[str, Any]) -> None:
        """A thumb as a reaction on one of our answers is a weak verdict: it never replaces a click."""
        thumb = REACTIONS.get((optional(body, "event", "reaction") or "").partition("::")[0])
        if thumb is None or optional(body, "event", "item", "type") != "message":
            return
        workspace, channel = field(body, "team_id"), field(body, "event", "item", "channel")
        person = person_id(workspace, field(body, "event", "user"))
        given = body["event"].get("type") == "reaction_added"
        self._feedback.react(
            person, room_id(workspace, channel), field(body, "event", "item", "ts"), thumb, given=given
        )

    def _allowed(self, clicked: Clicked, about: str, act: Callable[[], None]) -> bool:
        try:
            try:
                act()
            except DuplicateKey:  # a second click at the same moment was faster
                act()
        except UserFault as error:
            text = GONE if isinstance(error, NotFound) else str(error)
            self._tell(clicked, NoticeKind.REFUSED, text, f"refused:{about}:{clicked.person}:{clicked.trigger}"[:255])
            return False
        return True

    def _tell(self, clicked: Clicked, kind: NoticeKind, text: str, key: str) -> None:
        self._actions.tell(CHANNEL, clicked.address().as_json(), kind, text, key[:255])
