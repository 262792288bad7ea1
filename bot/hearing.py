"""What people write in any chat, and what becomes of it: a question, a follow-up, a better answer, or nothing.

What was said is parsed by each platform's own side; from there on all of them are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from answerloop.domain import InboundQuestion, NoticeKind, Respond, RoomSettings
from answerloop.errors import InvalidQuestion, TooManyQuestions
from bot.intake import Intake
from bot.people import AnswerActions
from bot.rooms import Rooms

OFF = "I do not answer in this channel. Send me a direct message instead."
NOT_FOR_YOU = "In this channel I only answer some people. Send me a direct message instead."
EXAMPLE = "How many days of parental leave do I get?"
HOW_TO_ASK = f"Ask me a question, for example: {EXAMPLE}"


class Address(Protocol):
    """Where an answer goes. `room` is where others read it too, as the directory names it."""

    @property
    def room(self) -> str | None: ...

    def as_json(self) -> dict[str, Any]: ...


class Said(Protocol):
    """Something a person wrote. `person` and `place` are as the directory names them, `user` as the settings of rooms
    name people; `is_reply`: it stands in a thread that another message began. `keys` are all names of this message."""

    @property
    def platform(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def conversation(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def is_reply(self) -> bool: ...
    @property
    def direct(self) -> bool: ...
    @property
    def mentioned(self) -> bool: ...
    @property
    def keys(self) -> tuple[str, ...]: ...

    def address(self, settings: RoomSettings) -> Address: ...


class Hearing:
    """Decides about what was written. Everything it does is rows: the platform is only told that they are there."""

    def __init__(self, intake: Intake, rooms: Rooms, actions: AnswerActions, tenant: str) -> None:
        self._intake = intake
        self._rooms = rooms
        self._actions = actions
        self._tenant = tenant

    def hear(self, said: Said) -> None:
        """Raises DatabaseUnavailable."""
        settings = RoomSettings() if said.direct else self._rooms.settings_of(said.place)
        if said.direct or said.mentioned:
            self.ask(said, settings)
        elif settings.respond is Respond.OFF or not _welcome(said, settings):
            return
        elif said.is_reply:
            self._in_thread(said, settings)
        elif settings.respond is Respond.ALL or (settings.respond is Respond.QUESTIONS and _is_question(said.text)):
            self._ask(said, settings)

    def _in_thread(self, said: Said, settings: RoomSettings) -> None:
        """A reply of the asker, or a question of anybody, is a follow-up; what a colleague tells may be the better
        answer."""
        owner = self._intake.owner_of(said.platform, said.conversation)
        if owner is None:
            return
        if owner == said.person or _is_question(said.text):
            self._ask(said, settings)
        elif said.text:
            address = said.address(settings).as_json()
            self._actions.offer_suggestion(
                said.platform, said.conversation, address, said.person, said.text, said.keys[0]
            )

    def ask(self, said: Said, settings: RoomSettings) -> None:
        """What was meant for us, as it is answered there."""
        if settings.respond is Respond.OFF:
            self._tell(said, settings, OFF)
        elif not _welcome(said, settings):
            self._tell(said, settings, NOT_FOR_YOU)
        elif not said.text:
            self._tell(said, settings, HOW_TO_ASK)
        else:
            self._ask(said, settings)

    def _ask(self, said: Said, settings: RoomSettings) -> None:
        question = self.question(
            said.platform, said.person, said.conversation, said.text, said.keys, said.address(settings), settings
        )
        try:
            self._intake.accept(question)
        except TooManyQuestions as error:
            self._tell(said, settings, str(error), NoticeKind.SLOW_DOWN)
        except InvalidQuestion as error:
            self._tell(said, settings, str(error))

    def question(
        self,
        platform: str,
        person: str,
        conversation: str,
        text: str,
        keys: tuple[str, ...],
        address: Address,
        settings: RoomSettings,
    ) -> InboundQuestion:
        return InboundQuestion(
            platform,
            self._tenant,
            person,
            conversation,
            text,
            keys,
            address.as_json(),
            address.room,
            settings.sources,
        )

    def _tell(self, said: Said, settings: RoomSettings, text: str, kind: NoticeKind = NoticeKind.REFUSED) -> None:
        """For their eyes alone, once for each message."""
        self.tell(said.platform, said.address(settings).as_json(), kind, text, f"{kind}:{said.keys[0]}:{said.user}")

    def tell(self, platform: str, address: Mapping[str, Any], kind: NoticeKind, text: str, key: str) -> None:
        self._actions.tell(platform, address, kind, text, key[:255])


def _is_question(text: str) -> bool:
    return text.rstrip(" )\"'”").endswith("?")


def _welcome(said: Said, settings: RoomSettings) -> bool:
    return not settings.allow or said.user in settings.allow
