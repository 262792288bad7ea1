"""Delivery to the web chat: the page reads the answer row itself, so the finished row is the delivery."""

from __future__ import annotations

from collections.abc import Mapping

from answerloop.domain import OutgoingMessage


class WebChatDelivery:
    """A `ChatDelivery`."""

    channel = "web"

    def deliver(self, address: Mapping[str, object], placeholder_id: str | None, message: OutgoingMessage) -> str:
        return message.answer_id
