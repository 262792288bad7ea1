"""Delivery to the web chat: the page reads the answer row itself, so the finished row is the delivery."""

from __future__ import annotations

from collections.abc import Mapping

from answerloop.domain import Notice, OutgoingMessage, Progress


class WebChatDelivery:
    """A `ChatDelivery`."""

    channel = "web"
    searchable = True  # the row itself is what people see

    def has_placeholder(self, address: Mapping[str, object]) -> bool:
        return False

    def open(self, address: Mapping[str, object], progress: Progress) -> str | None:
        return None

    def show(self, address: Mapping[str, object], message_id: str | None, progress: Progress) -> None:
        """The page sees the row's revision."""

    def deliver(self, address: Mapping[str, object], message_id: str | None, message: OutgoingMessage) -> str:
        return message.answer_id

    def withdraw(self, address: Mapping[str, object], message_id: str | None) -> None:
        """The page sees the row's revision."""

    def notify(self, address: Mapping[str, object], message_id: str | None, notice: Notice) -> str:
        return notice.id

    def find(self, address: Mapping[str, object], subject_id: str) -> str | None:
        return None
