"""What the bot tells Prometheus beyond its own counters."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from answerloop.db.repositories import processes
from answerloop.errors import DatabaseUnavailable, QueueUnavailable
from answerloop.testing.fakes import FakeTaskQueue
from bot.gauges import Gauges


class Away:
    def depths(self):
        raise QueueUnavailable("away")

    def reading(self):
        raise DatabaseUnavailable("away")


def samples(gauges):
    registry = CollectorRegistry()
    registry.register(gauges)
    text = generate_latest(registry).decode()
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sorted(sample.labels.items())): sample.value for sample in found}, found


def test_two_containers_of_one_program_are_two_series(database, tmp_path):
    with database.writing() as session:
        for host in ("container-a", "container-b"):
            processes.beat(session, "worker-answer", host, 1, 1000)
    _, found = samples(Gauges(database, FakeTaskQueue(), tmp_path))
    memory = [sample.labels for sample in found if sample.name == "answerloop_resident_bytes"]
    assert [labels["host"] for labels in memory] == ["container-a", "container-b"]


def test_a_broker_that_is_away_leaves_the_figures_of_the_database(database, tmp_path):
    shown, _ = samples(Gauges(database, Away(), tmp_path))
    assert shown["answerloop_reachable", ("what", "broker")] == 0
    assert shown["answerloop_reachable", ("what", "database")] == 1
    assert shown[("answerloop_open_questions",)] == 0


def test_a_database_that_is_away_leaves_the_rest(tmp_path):
    shown, _ = samples(Gauges(Away(), FakeTaskQueue(), tmp_path))
    assert shown["answerloop_reachable", ("what", "database")] == 0
    assert shown[("answerloop_disk_free_bytes",)] > 0
    assert ("answerloop_open_questions",) not in shown
