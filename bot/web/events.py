"""Server-sent events: every open answer of this process is watched by one poller with one query for each tick."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import anyio.to_thread

from answerloop.domain import Stage
from answerloop.errors import NotFound, Retryable
from bot.web.snapshots import Snapshot

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
PAUSE_SECONDS = 1.0
"""After a tick that failed: the database needs time, not questions."""
BUG_PAUSE_SECONDS = 2.0
"""After a tick that failed as nobody expected: it may do so every time, and a shutdown waits for this pause."""
HEARTBEAT_SECONDS = 15.0
GONE = -1


class Waiter:
    """One stream's view of the watch: the newest revision it heard of, None before the first."""

    def __init__(self) -> None:
        self.revision: int | None = None
        self._news = asyncio.Event()

    def tell(self, revision: int | None) -> None:
        self.revision = revision
        self._news.set()

    async def news(self, seconds: float) -> bool:
        """False when the time passed without any."""
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return False
        self._news.clear()
        return True


class RevisionWatch:
    """Tells the waiters of a question when its answer's revision changes. Polls only while somebody waits."""

    def __init__(
        self, revisions: Callable[[Sequence[str]], Mapping[str, int]], tick_seconds: float = TICK_SECONDS
    ) -> None:
        self.closed = False
        self._revisions = revisions
        self._tick_seconds = tick_seconds
        self._waiters: dict[str, set[Waiter]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._thread = anyio.CapacityLimiter(1)

    @contextmanager
    def waiting(self, question_id: str) -> Iterator[Waiter]:
        waiter = Waiter()
        self._waiters.setdefault(question_id, set()).add(waiter)
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield waiter
        finally:
            self._waiters[question_id].discard(waiter)
            if not self._waiters[question_id]:
                del self._waiters[question_id]

    def close(self) -> None:
        """End every stream within a tick. It only sets a flag, so a signal handler may call it."""
        self.closed = True

    async def _poll(self) -> None:
        try:
            while self._waiters and not self.closed:  # noqa: ASYNC110 - the database cannot wake us
                await asyncio.sleep(await self._tick())
        finally:
            self._poller = None
            for waiter in self._all_waiters():
                waiter.tell(waiter.revision)

    async def _tick(self) -> float:
        """Ask once; the answer is how long to sleep until the next time."""
        watched = list(self._waiters)
        try:
            found = await anyio.to_thread.run_sync(self._revisions, watched, limiter=self._thread)
        except Retryable as error:
            log.warning("open answers could not be watched", extra={"error": str(error)})
            return PAUSE_SECONDS
        except Exception:
            log.exception("watching open answers failed", extra={"open": len(watched)})
            return BUG_PAUSE_SECONDS
        for question_id in watched:
            revision = found.get(question_id, GONE)
            for waiter in self._waiters.get(question_id, ()):
                if waiter.revision != revision:
                    waiter.tell(revision)
        return self._tick_seconds

    def _all_waiters(self) -> list[Waiter]:
        return [waiter for waiters in self._waiters.values() for waiter in waiters]


class AnswerStream:
    """The event stream of one question for its asker."""

    def __init__(
        self,
        watch: RevisionWatch,
        read: Callable[[str, str], Snapshot],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._watch = watch
        self._read = read
        self._heartbeat_seconds = heartbeat_seconds
        self._threads = anyio.CapacityLimiter(8)

    async def events(self, question_id: str, asker: str) -> AsyncIterator[str]:
        """Each new revision as a whole, the current one first; ends after the last, or when we shut down."""
        yield "retry: 1000\n\n"
        with self._watch.waiting(question_id) as waiter:
            sent, stage = None, ""
            while not self._watch.closed:
                if waiter.revision is not None and waiter.revision != sent:
                    snapshot = await self._snapshot(question_id, asker)
                    if snapshot is None:
                        return
                    sent, stage = snapshot["revision"], snapshot["stage"]
                    yield _event(snapshot)
                    if stage == Stage.DONE:
                        return
                if not await waiter.news(self._heartbeat_seconds):
                    yield ": still here\n\n"
                    sent = None if stage == Stage.QUEUED else sent  # its place in the queue may have changed

    async def _snapshot(self, question_id: str, asker: str) -> Snapshot | None:
        """None ends the stream: the question was erased, or the page should connect again when we feel better."""
        try:
            return await anyio.to_thread.run_sync(self._read, question_id, asker, limiter=self._threads)
        except (NotFound, Retryable):
            return None


def _event(snapshot: Snapshot) -> str:
    return f"id: {snapshot['revision']}\nevent: answer\ndata: {json.dumps(snapshot)}\n\n"
