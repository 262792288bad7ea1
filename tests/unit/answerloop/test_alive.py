"""The health check of a container, and the heartbeat it listens to."""

import os
import subprocess
import sys
import time

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
    long_ago = time.time() - alive.SECONDS - 1
    os.utime(file, (long_ago, long_ago))
    assert check(file) == 1


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
