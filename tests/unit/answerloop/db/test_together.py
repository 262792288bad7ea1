"""Group commit: many writes in few transactions, and nobody pays for another's failure."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, insert, select

from answerloop.db.session import Deadlock, DuplicateKey
from answerloop.db.tables import SignInStateRow
from answerloop.db.together import Together
from answerloop.errors import AnswerloopError, DatabaseUnavailable, TooManyQuestions

CALLERS = 8
ENTERED, LEAVE = threading.Event(), threading.Event()


@pytest.fixture
def together(database):
    return Together(database, store)


def store(session, states):
    """Each under its own name. "blocks" waits until somebody lets it go; some others fail, after they have written."""
    for state in states:
        if state == "blocks":
            ENTERED.set()
            assert LEAVE.wait(10)
        session.execute(insert(SignInStateRow).values(state=state))
        if state == "too much":
            raise TooManyQuestions("slowly")
        if state == "away":
            raise DatabaseUnavailable("away")
    return [state.upper() for state in states]


@pytest.fixture
def commits(database):
    seen = []
    event.listen(database.engine, "commit", seen.append)
    return seen


def stored(database):
    with database.reading() as session:
        return set(session.scalars(select(SignInStateRow.state)))


def test_what_two_transactions_cost_each_other_is_tried_again_once(database):
    tries = []

    def write_all(session, items):
        tries.append(items)
        if len(tries) in (1, 3, 4):
            raise Deadlock("they waited for each other")
        return store(session, items)

    together = Together(database, write_all)
    assert together.write("a") == "A"
    with pytest.raises(DatabaseUnavailable):
        together.write("b")
    assert len(tries) == 4
    assert stored(database) == {"a"}


def at_once(together, states):
    """All of them while another transaction is under way; what each returned or raised."""
    ENTERED.clear()
    LEAVE.clear()

    def outcome(state):
        try:
            return together.write(state)
        except (AnswerloopError, DuplicateKey) as error:
            return type(error)

    with ThreadPoolExecutor(len(states) + 1) as pool:
        first = pool.submit(together.write, "blocks")
        assert ENTERED.wait(10)
        waiting = [pool.submit(outcome, state) for state in states]
        while len(together._waiting) < len(states):
            time.sleep(0.01)
        LEAVE.set()
        first.result(10)
        return [each.result(10) for each in waiting]


def test_what_is_written_is_there_when_the_call_returns(together, database):
    assert together.write("a") == "A"
    assert stored(database) == {"a"}


def test_whoever_comes_while_another_writes_shares_the_next_transaction(together, database, commits):
    states = [f"state {number}" for number in range(CALLERS)]
    assert at_once(together, states) == [state.upper() for state in states]
    assert stored(database) == {"blocks", *states}
    assert len(commits) == 2


def test_what_fails_fails_alone_and_leaves_nothing(together, database):
    assert at_once(together, ["a", "too much", "b"]) == ["A", TooManyQuestions, "B"]
    assert stored(database) == {"blocks", "a", "b"}


def test_the_same_key_twice_fails_for_one_of_both(together, database):
    assert sorted(map(str, at_once(together, ["a", "a", "b"]))) == sorted(["A", "B", str(DuplicateKey)])
    assert stored(database) == {"blocks", "a", "b"}


def test_when_the_database_is_away_everybody_is_told(together, database):
    assert at_once(together, ["a", "away", "b"]) == [DatabaseUnavailable] * 3
    assert stored(database) == {"blocks"}
    assert together.write("c") == "C", "and the next one is served"


def test_behind_one_that_hangs_nobody_waits_for_ever_and_nothing_of_them_is_written_later(database):
    together = Together(database, store, patience_seconds=0.05)
    ENTERED.clear()
    LEAVE.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(together.write, "blocks")
        assert ENTERED.wait(10)
        for each in [pool.submit(together.write, state) for state in "ab"]:
            assert isinstance(each.exception(10), DatabaseUnavailable)
        LEAVE.set()
        first.result(10)
    assert together.write("c") == "C"
    assert stored(database) == {"blocks", "c"}
