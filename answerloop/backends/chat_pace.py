"""As fast as a platform allows, all workers together: posts by room, changes of messages by what they share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from answerloop.errors import DeliveryUnavailable, QueueUnavailable
from answerloop.ports import RateLimiter

log = logging.getLogger(__name__)

POSTS_AT_ONCE = 3
ANSWERS_AT_ONCE = 10
NEWS_AT_ONCE = 3
"""News take places only while many are free, so that answers find one."""


class Turns:
    """One call after the other where they share a limit. What the platform says to one worker holds for all."""

    def __init__(self, platform: str, limiter: RateLimiter) -> None:
        self._platform = platform
        self._limiter = limiter

    @contextmanager
    def turn(self, what: str, per_second: float, burst: int) -> Iterator[None]:
        """A place for one call. Raises DeliveryUnavailable where there is none now."""
        key = f"{self._platform.lower()}:{what}"
        try:
            wait = self._limiter.reserve(key, per_second, burst)
        except QueueUnavailable as error:
            raise DeliveryUnavailable(str(error)) from None
        if wait:
            raise DeliveryUnavailable(f"{self._platform} has had its messages for now.", retry_after_seconds=wait)
        try:
            yield
        except DeliveryUnavailable as error:
            if error.retry_after_seconds:
                self._pause(key, error.retry_after_seconds)
            raise

    def _pause(self, key: str, seconds: float) -> None:
        try:
            self._limiter.pause(key, seconds)
        except QueueUnavailable as error:
            log.warning("the others do not know of the pause", extra={"error": str(error)})


class Pace(Turns):
    """For a platform that counts posts and changes apart."""

    def __init__(self, platform: str, limiter: RateLimiter, posts_per_second: float, updates_per_second: float) -> None:
        super().__init__(platform, limiter)
        self._posts = posts_per_second
        self._updates = updates_per_second

    @contextmanager
    def posting(self, place: str) -> Iterator[None]:
        """A place for one post. Raises DeliveryUnavailable where there is none now."""
        with self.turn(f"{place}:posts", self._posts, POSTS_AT_ONCE):
            yield

    @contextmanager
    def updating(self, place: str, *, news: bool = False) -> Iterator[None]:
        """A place for one change. Raises DeliveryUnavailable where there is none now."""
        burst = NEWS_AT_ONCE if news else ANSWERS_AT_ONCE
        with self.turn(f"{place}:updates", self._updates, burst):
            yield
