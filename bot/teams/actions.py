"""What people click in Teams. Cards carry an id and nothing else; whether the person may is asked of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from answerloop.chat.wording import wording
from answerloop.db.session import DuplicateKey
from answerloop.domain import FeedbackReason, Thumb
from answerloop.errors import InvalidFeedback, InvalidQuestion, NotAllowed, NotFound, TooManyQuestions, TooMuchFeedback
from bot.feedback import FeedbackBox
from bot.payload import MalformedPayload, field, optional
from bot.people import AnswerActions
from bot.teams.heard import Activity, Whereabouts, whereabouts
from bot.teams.messages import Messages
from bot.teams.reply import Reply, told

GONE = "This answer is not there any more."
TAKEN_BACK = "The answer is taken back."
DISMISSED = "All right."
SHARED = "I answer it where you asked, for everybody who reads along."
REACTIONS = {"like": Thumb.UP, "heart": Thumb.UP, "1f44d_yes-tone1": Thumb.UP, "dislike": Thumb.DOWN}
SAID = wording("en")


class Actions:
    """Raises MalformedPayload, DatabaseUnavailable; a click that is refused is answered for its person alone."""

    def __init__(self, feedback: FeedbackBox, actions: AnswerActions, messages: Messages) -> None:
        self._feedback = feedback
        self._actions = actions
        self._messages = messages
        self._verbs: Mapping[str, Callable[[Whereabouts, Mapping[str, Any]], str]] = {
            "up": self._up,
            "down": self._down,
            "human": self._human,
            "resolve": self._resolve,
            "retract": self._retract,
            "share": self._share,
            "accept": self._accept,
            "dismiss": lambda *_: DISMISSED,
        }

    def clicked(self, activity: Activity) -> Reply:
        """An `adaptiveCard/action`."""
        value = activity.get("value")
        action = value.get("action") if isinstance(value, Mapping) else None
        if not isinstance(action, Mapping) or not isinstance(action.get("data"), Mapping):
            raise MalformedPayload("value.action is missing")
        verb = self._verbs.get(field(action, "verb"))
        if verb is None:
            raise MalformedPayload("value.action.verb is none of ours")
        where, data = whereabouts(activity), action["data"]
        try:
            try:
                return told(verb(where, data))
            except DuplicateKey:  # a second click at the same moment was faster
                return told(verb(where, data))
        except NotFound:
            return told(GONE)
        except (InvalidFeedback, InvalidQuestion, NotAllowed, TooManyQuestions, TooMuchFeedback) as error:
            return told(str(error))

    def _up(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        self._feedback.rate(where.person, field(data, "answer"), Thumb.UP, where.room)
        return SAID.thanks

    def _down(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        reason, comment = optional(data, "reason"), optional(data, "comment")
        better, source = optional(data, "better"), optional(data, "source")
        if reason and reason not in set(FeedbackReason):
            raise MalformedPayload("there is no such reason")
        answer = field(data, "answer")
        self._feedback.rate(where.person, answer, Thumb.DOWN, where.room)
        if reason or comment or better or source:
            why = FeedbackReason(reason) if reason else None
            self._feedback.explain(where.person, answer, why, better, comment=comment, source=source)
        return SAID.thanks

    def _human(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        self._actions.ask_human(field(data, "answer"), where.person, where.room)
        return SAID.human_asked

    def _resolve(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        self._actions.resolve(field(data, "answer"), where.person, where.room)
        return SAID.thanks

    def _retract(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        self._actions.retract(field(data, "answer"), where.person)
        return TAKEN_BACK

    def _share(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        answer = field(data, "answer")
        self._actions.share(answer, where.person, lambda text, address: self._messages.share(answer, text, address))
        return SHARED

    def _accept(self, where: Whereabouts, data: Mapping[str, Any]) -> str:
        self._actions.accept_suggestion(field(data, "notice"), where.person)
        return SAID.thanks

    def reacted(self, activity: Activity) -> None:
        """A thumb as a reaction below one of our answers is a weak verdict: it never replaces a click."""
        message = optional(activity, "replyToId")
        where = whereabouts(activity)
        for name, given in (("reactionsAdded", True), ("reactionsRemoved", False)):
            reactions = activity.get(name)
            for reaction in reactions if isinstance(reactions, list) else ():
                thumb = REACTIONS.get(optional(reaction, "type") or "") if isinstance(reaction, Mapping) else None
                if thumb and message:
                    self._feedback.react(where.person, where.room, message, thumb, given=given)
