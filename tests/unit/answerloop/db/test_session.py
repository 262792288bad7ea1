import logging
import threading

import pytest
from sqlalchemy import text

from answerloop.db.session import Database
from answerloop.errors import ConfigurationError
from answerloop.heartbeat import Heartbeat


def test_a_database_that_was_not_migrated_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match="answerloop migrate"):
        Database(f"sqlite:///{tmp_path / 'new.db'}").check()


def test_migrating_twice_changes_nothing(database):
    database.migrate()
    database.check()


def test_no_error_quotes_what_was_to_be_stored(database):
    with pytest.raises(Exception, match=r"no such table|does not exist") as caught, database.writing() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "WHO ASKED WHAT"})
    error: BaseException | None = caught.value
    while error is not None:
        assert "WHO ASKED WHAT" not in str(error)
        error = error.__cause__


def test_a_block_that_fails_leaves_nothing(database):
    def fails_half_way():
        with database.writing() as session:
            session.execute(text("INSERT INTO reader_sets (tenant, key, groups) VALUES ('t', 'k', '[]')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails_half_way()
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM reader_sets")).scalar() == 0


def test_one_renewal_that_fails_costs_the_others_nothing(database, caplog):
    caplog.set_level(logging.ERROR)
    heartbeat = Heartbeat(database, "test", 0.02)
    renewed = threading.Event()
    failed = threading.Event()

    def fails():
        failed.set()
        raise ZeroDivisionError

    def succeeds():
        if failed.is_set():
            renewed.set()

    heartbeat.start()
    with heartbeat.during(fails), heartbeat.during(succeeds):
        assert renewed.wait(5)
        renewed.clear()
        assert renewed.wait(5), "the thread is still alive"
    heartbeat.stop()
