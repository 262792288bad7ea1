import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import pytest

from answerloop.domain import Stage
from answerloop.errors import DatabaseUnavailable, NotFound
from bot.web.events import AnswerStream, RevisionWatch
from bot.web.snapshots import Snapshots
from tests.unit.bot.web.web_kit import ADA, WebKit


class CountingRevisions:
    """Revisions from a dictionary; counts the queries and can be broken."""

    def __init__(self) -> None:
        self.current: dict[str, int] = {}
        self.asked: list[list[str]] = []
        self.broken = False
        self.bug: Exception | None = None

    def __call__(self, question_ids: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(sorted(question_ids))
        if self.broken:
            raise DatabaseUnavailable("away")
        if self.bug:
            raise self.bug
        return {each: self.current[each] for each in question_ids if each in self.current}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - any condition, from outside
            await asyncio.sleep(0.005)


def revisions_in(events: list[str]) -> list[int]:
    return [int(event.split("id: ")[1].split("\n")[0]) for event in events if "event: answer" in event]


class TestStream:
    def test_a_finished_answer_is_sent_once_and_the_stream_ends(self, kit: WebKit) -> None:
        client = kit.as_person(ADA)
        question = client.post("/api/chat/questions", json={"text": "Leave?"}).json()["question_id"]
        kit.answer(question)
        stream = client.get(f"/api/chat/questions/{question}/events")
        assert stream.headers["content-type"].startswith("text/event-stream")
        retry, event = stream.text.strip().split("\n\n")
        assert retry == "retry: 1000"
        assert event.startswith("id: 1\nevent: answer\ndata: {")
        shown = json.loads(event.split("data: ")[1])
        assert shown == client.get(f"/api/chat/questions/{question}").json()

    def test_each_revision_until_the_last(self, kit: WebKit) -> None:
        client = kit.as_person(ADA)
        question = client.post("/api/chat/questions", json={"text": "Leave?"}).json()["question_id"]
        snapshots = Snapshots(kit.settings, kit.database, kit.directory)
        events: list[str] = []

        async def follow() -> None:
            watch = RevisionWatch(snapshots.revisions, tick_seconds=0.01)
            stream = AnswerStream(watch, snapshots.of_question)
            reading = asyncio.create_task(_collect(stream.events(question, ADA), events))
            await until(lambda: len(events) == 2)
            await asyncio.to_thread(kit.progress, question, Stage.SEARCHING)
            await until(lambda: len(events) == 3)
            watch.close()
            await asyncio.wait_for(reading, 2)

        asyncio.run(follow())
        assert revisions_in(events) == [0, 1]
        assert '"stage": "searching"' in events[-1]

    def test_heartbeats_while_nothing_happens_and_an_end_when_the_question_is_erased(self) -> None:
        revisions = CountingRevisions()
        revisions.current["q"] = 0
        events: list[str] = []

        def read(question_id: str, _asker: str) -> dict[str, object]:
            if question_id not in revisions.current:
                raise NotFound("gone")
            return {"revision": 0, "stage": "searching"}

        async def follow() -> None:
            watch = RevisionWatch(revisions, tick_seconds=0.01)
            stream = AnswerStream(watch, read, heartbeat_seconds=0.05)  # type: ignore[arg-type]
            reading = asyncio.create_task(_collect(stream.events("q", ADA), events))
            await until(lambda: events.count(": still here\n\n") >= 2)
            del revisions.current["q"]
            await asyncio.wait_for(reading, 2)

        asyncio.run(follow())
        assert revisions_in(events) == [0]

    def test_while_it_waits_its_place_in_the_queue_is_told_again(self) -> None:
        revisions = CountingRevisions()
        revisions.current["q"] = 0
        places = iter(range(9, 0, -1))
        events: list[str] = []

        def read(_question_id: str, _asker: str) -> dict[str, object]:
            return {"revision": 0, "stage": "queued", "queue_position": next(places)}

        async def follow() -> None:
            watch = RevisionWatch(revisions, tick_seconds=0.01)
            stream = AnswerStream(watch, read, heartbeat_seconds=0.02)  # type: ignore[arg-type]
            reading = asyncio.create_task(_collect(stream.events("q", ADA), events))
            await until(lambda: any('"queue_position": 8' in event for event in events))
            watch.close()
            await asyncio.wait_for(reading, 2)

        asyncio.run(follow())


class TestWatch:
    def test_one_query_for_all_and_none_when_nobody_waits(self) -> None:
        revisions = CountingRevisions()
        revisions.current = {"a": 0, "b": 0}

        async def scenario() -> None:
            watch = RevisionWatch(revisions, tick_seconds=0.01)
            await asyncio.sleep(0.05)
            assert revisions.asked == []
            with watch.waiting("a") as first, watch.waiting("a") as second, watch.waiting("b") as third:
                for waiter in (first, second, third):
                    assert await waiter.news(2)
                assert all(asked == ["a", "b"] for asked in revisions.asked)
            await asyncio.sleep(0.05)
            before = len(revisions.asked)
            await asyncio.sleep(0.05)
            assert len(revisions.asked) == before
            with watch.waiting("b") as again:
                assert await again.news(2)

        asyncio.run(scenario())

    def test_a_database_that_comes_back_is_asked_again(self) -> None:
        revisions = CountingRevisions()
        revisions.current, revisions.broken = {"a": 4}, True

        async def scenario() -> None:
            watch = RevisionWatch(revisions, tick_seconds=0.01)
            with watch.waiting("a") as waiter:
                await until(lambda: len(revisions.asked) == 1)
                assert waiter.revision is None
                revisions.broken = False
                assert await waiter.news(3)
                assert waiter.revision == 4

        asyncio.run(scenario())

    def test_an_error_nobody_expected_is_logged_and_does_not_end_the_watch(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.web.events.BUG_PAUSE_SECONDS", 0.05)
        revisions = CountingRevisions()
        revisions.current, revisions.bug = {"a": 4}, RuntimeError("a bug")

        async def scenario() -> None:
            watch = RevisionWatch(revisions, tick_seconds=0.01)
            with watch.waiting("a") as waiter:
                await until(lambda: len(revisions.asked) == 1)
                revisions.bug = None
                assert await waiter.news(3)
                assert waiter.revision == 4

        asyncio.run(scenario())
        assert [record.message for record in caplog.records if record.exc_info] == ["watching open answers failed"]

    def test_closing_wakes_everybody(self) -> None:
        revisions = CountingRevisions()
        revisions.current = {"a": 0}

        async def scenario() -> None:
            watch = RevisionWatch(revisions, tick_seconds=0.01)
            with watch.waiting("a") as waiter:
                assert await waiter.news(2)
                watch.close()
                assert await waiter.news(2)

        asyncio.run(scenario())


async def _collect(stream: AsyncIterator[str], events: list[str]) -> None:
    async for event in stream:
        events.append(event)  # noqa: PERF401 - a reader that is cancelled keeps what it had
