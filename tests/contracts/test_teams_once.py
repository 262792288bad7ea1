"""Teams with our memory behind it: whatever breaks, and however often, nobody reads an answer twice.

The connector cannot be asked what stands there, so this tries what may happen to each call: it is done and nobody
learns of it, it is not done, it hangs, and whoever made it is killed before or after. In the end the answer stands
there once; a placeholder of a lost call may be left over. A call for help is made at least once, any other notice at
most once.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerloop.backends.teams_api import TeamsApi
from answerloop.db.repositories import notices, posts
from answerloop.db.tables import DeliveryRow, now
from answerloop.domain import NoticeKind
from answerloop.ports import Job
from answerloop.tasks import deliver_answer, deliver_notice, show_progress
from answerloop.testing.fake_chat import FakeRateLimiter
from answerloop.testing.teams_server import LOST, Fault, TeamsServer, too_many
from tests.contracts.teams_kit import THREAD, Teams
from tests.unit.workers.answering.desk_kit import Scene, ScriptedPipeline, says

IMPATIENT_SECONDS = 0.15
FAULTS = {
    "lost": LOST,
    "hangs": Fault(seconds=0.3),
    "done, but 500": Fault(500, done=True),
    "done, but 502": Fault(502, done=True),
    "done, but 504": Fault(504, done=True),
    "500": Fault(500),
    "502": Fault(502),
    "503": Fault(503),
    "412": Fault(412),
    "429": too_many(30),
}
EVENTS = ["works", *FAULTS, "killed before", "killed after"]
IN_DOUBT = {name for name in EVENTS if name.startswith(("lost", "hangs", "done", "500", "502", "killed"))}
LATER = posts.POSTING_TAKES + timedelta(seconds=1)
ANSWER = "Leave is 90 days."


class Troubled:
    """An API whose next calls that post or change a message go as the script says."""

    def __init__(self, api: TeamsApi, server: TeamsServer) -> None:
        self._api = api
        self._server = server
        self.script: list[str] = []
        self.meanwhile: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._api, name)
        return partial(self._go_wrong, name, call) if name in ("post", "put") else call

    def _go_wrong(self, what: str, call: Callable[..., Any], *arguments: Any) -> Any:
        event = self.script.pop(0) if self.script else "works"
        if event == "killed before":
            raise KeyboardInterrupt
        if event in FAULTS:
            self._server.fails(what, FAULTS[event])
        result = call(*arguments)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        if event == "killed after":
            raise KeyboardInterrupt
        return result


class Stage(Scene):
    def __init__(self, database, teams: Teams) -> None:
        self.teams = teams
        self.api = Troubled(teams.api(reply_seconds=IMPATIENT_SECONDS), teams.server)
        self.limiter = FakeRateLimiter()
        super().__init__(database, teams.delivery(self.limiter, self.api), teams.address())

    def work(self, *jobs: Job) -> None:
        """Until everything is done that was sent. A worker that is killed takes its job along."""
        self.queue.jobs.extend(jobs)
        while self.queue.jobs:
            with suppress(KeyboardInterrupt):
                self.run_jobs()
            assert self.times(ANSWER) <= 1

    def times(self, text: str) -> int:
        return sum(
            text in seen for conversation in self.teams.tenant.conversations for seen in self.teams.seen(conversation)
        )

    def settle(self) -> None:
        """Until nothing has happened for two minutes."""
        quiet = 0
        while quiet < 2:
            before = len(self.teams.server.calls), len(self.api.script)
            self.pass_time(LATER)
            self.limiter.pass_time(LATER.total_seconds())
            self.recovery.recover()
            self.work()
            quiet = quiet + 1 if (len(self.teams.server.calls), len(self.api.script)) == before else 0

    def notice(self, kind: NoticeKind) -> str:
        question = self.answered(ANSWER)
        with self.database.writing() as session:
            address = self.teams.address()
            found = notices.write(
                session, f"{kind}:{question}", kind, "teams", address, text=str(kind), question_id=question
            )
        self.queue.jobs.clear()
        assert found
        return found

    def fresh(self, script: list[str]) -> None:
        for conversation in self.teams.tenant.conversations.values():
            conversation.messages.clear()
        self.teams.server.works_again()
        self.queue.jobs.clear()
        self.api.script = script


@pytest.fixture
def stage(database) -> Iterator[Stage]:
    with TeamsServer() as server:
        teams = Teams(server)
        yield Stage(database, teams)
        teams.close()


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("event", EVENTS)
def test_the_answer_stands_there_once_whatever_happens_to_one_call(stage, event, placed):
    for call in range(4):
        stage.fresh([*["works"] * call, event])
        question = stage.ask(key=f"{event}-{placed}-{call}")
        if not placed:
            stage.queue.jobs.clear()
        stage.work()
        stage.desk(ScriptedPipeline(says(ANSWER))).answer(question)
        stage.work()
        stage.settle()
        assert stage.times(ANSWER) == 1
        orphans = len(stage.teams.seen(THREAD)) - 1
        assert orphans <= (1 if event in IN_DOUBT else 0)


def test_the_answer_stands_there_once_whatever_happens(stage):
    step = st.sampled_from(["progress", "answer", "deliver", "time"])

    @settings(max_examples=20, derandomize=True, database=None, deadline=None)
    @given(st.lists(st.sampled_from(EVENTS), max_size=6), st.lists(step, max_size=6))
    def in_any_order(script: list[str], steps: list[str]) -> None:
        stage.fresh(script)
        question = stage.ask(key=str(now().timestamp()))
        stage.queue.jobs.clear()
        for step in (*steps, "answer"):
            if step == "answer" and stage.view(question).outcome is None:
                stage.desk(ScriptedPipeline(says(ANSWER))).answer(question)
            elif step == "time":
                stage.pass_time(LATER)
                stage.limiter.pass_time(LATER.total_seconds())
                stage.recovery.recover()
            stage.work(*{"progress": [show_progress(question)], "deliver": [deliver_answer(question)]}.get(step, []))
        stage.settle()
        assert stage.times(ANSWER) == 1

    in_any_order()


@pytest.mark.parametrize("placed", [True, False])
def test_somebody_who_takes_too_long_and_somebody_who_did_not_wait_show_one_answer(stage, placed):
    question = stage.ask() if placed else stage.answered(ANSWER)
    stage.queue.jobs.clear()

    def a_minute_later() -> None:
        if placed:
            stage.desk(ScriptedPipeline(says(ANSWER))).answer(question)
        stage.pass_time(LATER)
        stage.delivery.deliver(question)
        assert stage.times(ANSWER) == 1

    stage.api.meanwhile = a_minute_later
    stage.work(show_progress(question) if placed else deliver_answer(question))
    stage.settle()
    assert stage.times(ANSWER) == 1
    assert len(stage.teams.seen(THREAD)) == 2


def test_two_workers_at_once_show_one_answer(stage):
    question = stage.answered(ANSWER)
    stage.queue.jobs.clear()
    stage.teams.server.fails("post", Fault(seconds=0.1))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(stage.delivery.deliver, [question] * 2))
    stage.settle()
    assert len(stage.teams.seen(THREAD)) == 1
    assert stage.times(ANSWER) == 1


def test_the_id_of_the_placeholder_is_kept_when_the_answer_does_not_get_into_it(stage):
    question = stage.answered(ANSWER)
    stage.queue.jobs.clear()
    stage.teams.server.fails("put", Fault(503))
    stage.delivery.deliver(question)
    with stage.database.reading() as session:
        kept = session.get_one(DeliveryRow, question).message_id
    assert [message["id"] for message in stage.teams.tenant.conversations[THREAD].messages] == [kept]
    assert stage.times(ANSWER) == 0
    stage.settle()
    assert len(stage.teams.server.called("post")) == 1
    assert stage.times(ANSWER) == 1


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("kind", [NoticeKind.ESCALATION, NoticeKind.HINT, NoticeKind.REMINDER])
def test_a_call_for_help_is_made_and_other_notices_are_not_repeated(stage, kind, event):
    stage.fresh([event, event])
    words = {NoticeKind.HINT: "hint", NoticeKind.REMINDER: "How was my answer", NoticeKind.ESCALATION: "a human"}[kind]
    stage.work(deliver_notice(stage.notice(kind)))
    stage.settle()
    times = stage.times(words)
    if kind is NoticeKind.ESCALATION:
        assert times >= 1
    elif event in IN_DOUBT:
        assert times <= 1
    else:
        assert times == 1


def test_what_was_taken_back_is_gone_however_often_it_breaks(stage):
    question = stage.answered(ANSWER)
    stage.work()
    answer = stage.view(question).answer_id
    stage.teams.server.fails("delete", LOST, Fault(503), Fault(500, done=True))
    stage.actions().retract(answer, stage.asker)
    stage.work()
    stage.settle()
    assert stage.teams.seen(THREAD) == []


def test_a_busy_teams_gets_the_answer_when_it_said(stage):
    question = stage.answered(ANSWER)
    stage.queue.jobs.clear()
    stage.teams.server.fails("post", too_many(30))
    stage.delivery.deliver(question)
    with stage.database.reading() as session:
        due_at = session.get_one(DeliveryRow, question).due_at
    assert 28 < (due_at - now()).total_seconds() <= 30
