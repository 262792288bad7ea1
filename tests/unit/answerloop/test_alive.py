"""The health check of a container, and the heartbeat it listens to."""

import os
import subprocess
import sys
import time

import pytest

from answerloop import alive
from answerloop.heartbeat import Heartbeat


def check(file):
    environment = {**os.environ, "ANSWERLOOP_ALIVE_FILE": str(file)}
    return subprocess.run([sys.executable, "-m", "answerloop.alive"], env=environment, check=False).returncode


def test_a_process_that_beats_is_alive_and_one_that_has_stopped_is_not(database, tmp_path):
    file = tmp_path / "alive"
    assert check(file) == 1
    heartbeat = Heartbeat(database, "test", 60, file)
    heartbeat.start()
    assert check(file) == 0
    heartbeat.stop()
    grow_old(file, 3 * 60 + 1)
    assert check(file) == 1


@pytest.mark.parametrize(("seconds", "limit"), [(5, 30), (60, 180)])
def test_the_limit_grows_with_the_time_between_two_beats(database, tmp_path, seconds, limit):
    file = tmp_path / "alive"
    heartbeat = Heartbeat(database, "test", seconds, file)
    heartbeat.start()
    heartbeat.stop()
    grow_old(file, limit - 2)
    assert alive.is_alive(file)
    grow_old(file, limit + 1)
    assert not alive.is_alive(file)


def test_a_file_that_says_nothing_sensible_is_no_sign_of_life_for_long(tmp_path):
    file = tmp_path / "alive"
    file.touch()
    assert alive.is_alive(file)
    grow_old(file, alive.SECONDS + 1)
    assert not alive.is_alive(file)
    file.write_text("soon")
    assert not alive.is_alive(file)


def grow_old(file, seconds):
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_a_database_that_is_away_stops_the_beat(database, tmp_path):
    file = tmp_path / "alive"
    heartbeat = Heartbeat(database, "test", 0.02, file)
    heartbeat.start()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE processes")
    time.sleep(0.1)
    file.unlink()
    time.sleep(0.1)
    assert not file.exists()
    heartbeat._stopped.set()


def test_without_a_file_nobody_is_alive(monkeypatch):
    assert check("") == 1
