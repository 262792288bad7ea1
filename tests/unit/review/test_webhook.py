"""A hint makes us look now. It says nothing, and whoever does not know the secret is not heard."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from answerloop.testing.fakes import FakeTaskQueue
from review.webhook import PATH, HintDoor, routes


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue() -> FakeTaskQueue:
    return FakeTaskQueue()


@pytest.fixture
def door(queue, clock) -> HintDoor:
    return HintDoor(queue, lambda: "the secret", clock)


@pytest.fixture
def client(door) -> TestClient:
    app = FastAPI()
    app.include_router(routes(door))
    return TestClient(app)


def sent(queue: FakeTaskQueue) -> list[str]:
    return [job.task for job in queue.jobs]


def test_a_hint_with_the_secret_sends_one_look(client, queue):
    answer = client.post(PATH, headers={"X-Answerloop-Secret": "the secret"}, content=b"\x00 not even JSON")
    assert answer.status_code == 204
    assert sent(queue) == ["review.pull"]


@pytest.mark.parametrize("secret", ["", "another", "the secret ", "ünïcode"])
def test_without_the_secret_nothing_happens(door, queue, secret):
    assert not door.knock(secret)
    assert queue.jobs == []


def test_no_header_is_no_secret(client, queue):
    assert client.post(PATH).status_code == 401
    assert queue.jobs == []


def test_as_long_as_there_is_no_secret_nobody_knows_it(queue):
    assert not HintDoor(queue, lambda: None).knock("")
    assert not HintDoor(queue, lambda: "").knock("")


def test_many_hints_of_one_moment_send_one_look(door, queue, clock):
    for _ in range(50):
        assert door.knock("the secret")
    assert sent(queue) == ["review.pull"]
    clock.now += 1.1
    door.knock("the secret")
    assert sent(queue) == ["review.pull"] * 2


def test_a_broker_that_is_down_is_not_the_reviewers_problem(door, queue):
    queue.down = True
    assert door.knock("the secret")
