"""Lists of many pages. Slack lets us read only so many a minute, so a long list is read on where it was left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from answerloop.backends.slack_api import Gone, call
from answerloop.errors import DeliveryUnavailable

PAGE = 999
"""Items; Slack wants fewer than a thousand."""


class Pages:
    """One list, as far as it was read since `begun_at`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.begun_at = clock()
        self._items: list[Any] = []
        self._cursor: str | None = ""
        self._wait_until = 0.0

    def rest(self, method: Callable[..., Any], key: str, **arguments: Any) -> list[Any]:
        """All items, of which only those are asked for that were not read before. Raises as `call`; no call is made
        while Slack wants us to wait."""
        while self._cursor is not None:
            page = self._page(method, **arguments)
            self._items += page[key]
            self._cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        return self._items

    def _page(self, method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
        wait = self._wait_until - self._clock()
        if wait > 0:
            raise DeliveryUnavailable("Slack asks us to wait.", retry_after_seconds=wait)
        try:
            return call(method, limit=PAGE, cursor=self._cursor, **arguments)
        except DeliveryUnavailable as error:
            self._wait_until = self._clock() + (error.retry_after_seconds or 0.0)
            raise
        except Gone as error:
            if error.code != "invalid_cursor":
                raise
            self._items, self._cursor = [], ""
            raise DeliveryUnavailable(str(error)) from None
