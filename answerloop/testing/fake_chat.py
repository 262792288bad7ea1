"""A chat platform and its limits, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TypeAlias

from answerloop.domain import Notice, OutgoingMessage, Progress
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain, MessageDeleted

Content: TypeAlias = Progress | OutgoingMessage | Notice
Failure: TypeAlias = DeliveryUnavailable | DeliveryImpossible


class FakeChat:
    """A `ChatDelivery`. Each of the `failures` is raised by one of the next calls that post or change a message, a
    DeliveryUncertain after people have seen it; with None the call succeeds."""

    def __init__(
        self, channel: str = "web", failures: Sequence[Failure | None] = (), *, searchable: bool = True
    ) -> None:
        self.channel = channel
        self.searchable = searchable
        self.failures = list(failures)
        self.messages: dict[str, Content] = {}
        self.calls = 0
        """How often an answer was delivered."""
        self._posted = 0

    @property
    def shown(self) -> dict[str, OutgoingMessage]:
        """The answers that people see, by question."""
        return {each.question_id: each for each in self.messages.values() if isinstance(each, OutgoingMessage)}

    @property
    def notices(self) -> list[Notice]:
        return [each for each in self.messages.values() if isinstance(each, Notice)]

    # --- the port

    def has_placeholder(self, address: Mapping[str, object]) -> bool:
        return True

    def open(self, address: Mapping[str, object], progress: Progress) -> str | None:
        return self._put(None, progress)

    def show(self, address: Mapping[str, object], message_id: str | None, progress: Progress) -> None:
        if message_id is not None:
            self._put(message_id, progress)

    def deliver(self, address: Mapping[str, object], message_id: str | None, message: OutgoingMessage) -> str:
        self.calls += 1
        return self._put(message_id, message)

    def withdraw(self, address: Mapping[str, object], message_id: str | None) -> None:
        self._fail(self._next_failure())
        if message_id is not None:
            self.messages.pop(message_id, None)

    def notify(self, address: Mapping[str, object], message_id: str | None, notice: Notice) -> str:
        return self._put(message_id, notice)

    def find(self, address: Mapping[str, object], subject_id: str) -> str | None:
        if not self.searchable:
            return None
        return next((known for known, content in self.messages.items() if _subject(content) == subject_id), None)

    def _put(self, message_id: str | None, content: Content) -> str:
        failure = self._next_failure()
        if not isinstance(failure, DeliveryUncertain):
            self._fail(failure)
        if message_id is None:
            self._posted += 1
            message_id = f"message-{self._posted}"
        elif message_id not in self.messages:
            raise MessageDeleted("the message was deleted")
        self.messages[message_id] = content
        self._fail(failure)
        return message_id

    def _next_failure(self) -> Failure | None:
        return self.failures.pop(0) if self.failures else None

    def _fail(self, failure: Failure | None) -> None:
        if failure is not None:
            raise failure

    # --- what the suite asks of a platform

    def seen(self) -> list[str]:
        return [each.question if isinstance(each, Notice) else each.text for each in self.messages.values()]

    def lose_next_reply(self) -> None:
        self.failures.append(DeliveryUncertain("the fake connection broke"))

    def be_busy_once(self, seconds: float) -> None:
        self.failures.append(DeliveryUnavailable("the fake platform is busy", retry_after_seconds=seconds))

    def delete_all(self) -> None:
        self.messages.clear()

    def refuse_once(self) -> None:
        self.failures.append(DeliveryImpossible("the fake room is gone"))


def _subject(content: Content) -> str:
    return content.id if isinstance(content, Notice) else content.question_id


class FakeRateLimiter:
    """A `RateLimiter` on a clock of its own, which `pass_time` moves."""

    def __init__(self) -> None:
        self._now = 0.0
        self._due: dict[str, float] = {}
        self._paused: dict[str, float] = {}
        self._lock = Lock()

    def pass_time(self, seconds: float) -> None:
        self._now += seconds

    def reserve(self, key: str, per_second: float, burst: int) -> float:
        with self._lock:
            due = max(self._due.get(key, 0.0), self._now)
            wait = max(self._paused.get(key, 0.0), due - (burst - 1) / per_second) - self._now
            if wait > 0:
                return wait
            self._due[key] = due + 1 / per_second
            return 0.0

    def pause(self, key: str, seconds: float) -> None:
        self._paused[key] = max(self._paused.get(key, 0.0), self._now + seconds)
