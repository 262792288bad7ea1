"""Alarms reach those who run us, each once as long as it stands."""

from answerloop.db.repositories import alarms
from answerloop.testing.fakes import FakeNotifier
from workers.herald import Herald


def ring(database, text="90 % full", key="disk"):
    with database.writing() as session:
        alarms.ring(session, key, "disk", text)


def test_an_alarm_is_told_once(database):
    notifier = FakeNotifier()
    herald = Herald(database, notifier)
    ring(database)
    assert herald.tell() == 1
    ring(database, "95 % full")
    assert herald.tell() == 0
    assert list(notifier.reports.values()) == ["90 % full"]


def test_one_that_was_cleared_and_is_raised_again_is_told_again(database, monkeypatch):
    herald = Herald(database, FakeNotifier())
    ring(database)
    herald.tell()
    with database.writing() as session:
        alarms.clear(session, "disk")
    assert herald.tell() == 0
    later = alarms.now().replace(year=2099)
    monkeypatch.setattr("answerloop.db.repositories.alarms.now", lambda: later)
    ring(database)
    assert herald.tell() == 1


def test_another_process_gives_the_same_names_so_the_notifier_drops_them(database):
    notifier = FakeNotifier()
    ring(database)
    Herald(database, notifier).tell()
    Herald(database, notifier).tell()
    assert len(notifier.reports) == 1
