"""Posted once, whatever breaks between us and the platform."""

import pytest

from answerloop.db.repositories import posts
from answerloop.db.tables import DeliveryRow
from answerloop.domain import Progress, Stage
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain
from answerloop.testing.fake_chat import FakeChat
from tests.unit.workers.answering.desk_kit import Scene
from workers.answering.posting import Posting

BUSY, LOST, NEVER = DeliveryUnavailable("busy"), DeliveryUncertain("lost"), DeliveryImpossible("gone")


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat("slack")


@pytest.fixture
def stage(database, chat) -> Scene:
    return Scene(database, chat, {"channel": "C01"})


@pytest.fixture
def put(stage, chat):
    question = stage.ask()
    news = Progress(question, Stage.READING)

    def show(message_id):
        if message_id is None:
            return chat.open({}, news)
        chat.show({}, message_id, news)
        return message_id

    return lambda: Posting(stage.database).put(DeliveryRow, question, chat, {}, show)


def test_what_stands_there_is_brought_up_to_date(put, chat):
    put()
    put()
    assert list(chat.messages) == ["message-1"]


def test_a_busy_platform_is_posted_to_later(put, chat):
    chat.failures = [BUSY]
    with pytest.raises(DeliveryUnavailable):
        put()
    put()
    assert list(chat.messages) == ["message-1"]


def test_what_was_perhaps_posted_is_looked_for(put, chat):
    chat.failures = [LOST]
    with pytest.raises(DeliveryUncertain):
        put()
    put()
    assert list(chat.messages) == ["message-1"]


def test_what_was_perhaps_posted_and_is_not_there_is_posted(put, chat):
    chat.failures = [LOST]
    with pytest.raises(DeliveryUncertain):
        put()
    chat.messages.clear()
    put()
    assert list(chat.messages) == ["message-2"]


@pytest.mark.parametrize("failure", [BUSY, LOST])
def test_what_was_found_is_not_forgotten_when_it_cannot_be_changed(put, chat, failure):
    chat.failures = [LOST, failure]
    for _ in range(2):
        with pytest.raises(DeliveryUnavailable):
            put()
    chat.find = lambda address, subject: pytest.fail("it was found before")
    put()
    assert list(chat.messages) == ["message-1"]


def test_a_search_that_fails_is_no_leave_to_post(put, chat, monkeypatch):
    chat.failures = [LOST]
    with pytest.raises(DeliveryUncertain):
        put()

    def fail(address, subject):
        raise BUSY

    with monkeypatch.context() as broken:
        broken.setattr(chat, "find", fail)
        with pytest.raises(DeliveryUnavailable):
            put()
    put()
    assert list(chat.messages) == ["message-1"]


def test_whoever_comes_while_another_one_posts_waits(put, chat, stage):
    def meanwhile(address, progress):
        with pytest.raises(DeliveryUnavailable, match="else"):
            put()
        return "message-0"

    chat.open = meanwhile
    put()
    assert chat.messages == {}


def test_whoever_was_killed_while_posting_is_waited_for_and_then_looked_after(put, chat, stage):
    def killed(address, progress):
        FakeChat.open(chat, address, progress)
        raise KeyboardInterrupt

    chat.open = killed
    with pytest.raises(KeyboardInterrupt):
        put()
    del chat.open
    with pytest.raises(DeliveryUnavailable, match="else"):
        put()
    stage.pass_time(posts.POSTING_TAKES)
    put()
    assert list(chat.messages) == ["message-1"]


def test_a_place_that_refuses_is_free_for_the_next_attempt(put, chat):
    chat.failures = [NEVER]
    with pytest.raises(DeliveryImpossible):
        put()
    put()
    assert list(chat.messages) == ["message-1"]
