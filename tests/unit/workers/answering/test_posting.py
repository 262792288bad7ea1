"""Posted once, whatever breaks between us and the platform."""

import pytest

from answerloop.db.repositories import posts
from answerloop.db.tables import DeliveryRow
from answerloop.domain import Confidence, Outcome, OutgoingMessage, Progress, Stage
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


@pytest.fixture
def blind() -> FakeChat:
    """A platform that cannot be searched."""
    return FakeChat("teams", searchable=False)


@pytest.fixture
def fill(database, blind):
    """Puts an answer into a placeholder, or shows a notice once."""
    stage = Scene(database, blind)
    question = stage.ask()
    answer = OutgoingMessage(question, "a1", "90 days", Outcome.ANSWERED, Confidence.SURE, ())

    def put(*, once: bool = False) -> None:
        Posting(database).put(
            DeliveryRow,
            question,
            blind,
            {},
            lambda there: blind.deliver({}, there, answer),
            place=None if once else lambda: blind.open({}, Progress(question, Stage.WRITING)),
            once=once,
        )

    put.stage = stage
    return put


def answers_of(chat: FakeChat) -> list[str]:
    return [known for known, content in chat.messages.items() if isinstance(content, OutgoingMessage)]


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


# --- where nothing can be looked for


@pytest.mark.parametrize("failure", [BUSY, LOST])
def test_a_placeholder_is_known_before_the_answer_is_put_into_it(fill, blind, failure):
    blind.failures = [None, failure]
    with pytest.raises(DeliveryUnavailable):
        fill()
    assert list(blind.messages) == ["message-1"]
    fill()
    assert list(blind.messages) == answers_of(blind) == ["message-1"]


def test_a_placeholder_in_doubt_is_left_behind_and_says_nothing(fill, blind):
    blind.failures = [LOST]
    with pytest.raises(DeliveryUncertain):
        fill()
    fill()
    assert list(blind.messages) == ["message-1", "message-2"]
    assert answers_of(blind) == ["message-2"]


def test_of_two_placeholders_the_one_that_was_kept_first_gets_the_answer(fill, blind):
    def slow(address, progress):
        placed = FakeChat.open(blind, address, progress)
        del blind.open
        fill.stage.pass_time(posts.POSTING_TAKES)
        fill()
        return placed

    blind.open = slow
    fill()
    assert list(blind.messages) == ["message-1", "message-2"]
    assert answers_of(blind) == ["message-2"]


def test_what_is_shown_once_is_not_repeated_in_doubt(fill, blind):
    blind.failures = [BUSY, LOST]
    with pytest.raises(DeliveryUnavailable):
        fill(once=True)
    with pytest.raises(DeliveryUncertain):
        fill(once=True)
    for _ in range(2):
        with pytest.raises(DeliveryImpossible, match="not shown twice"):
            fill(once=True)
    assert list(blind.messages) == ["message-1"]
