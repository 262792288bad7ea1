"""What the dashboard tells Prometheus is what it shows."""

from contextlib import contextmanager

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from answerloop.db.repositories import nights
from answerloop.settings import Settings
from review.dashboard.overview import Figures
from review.gauges import DAYS, Gauges


def shown(database, home):
    figures = Figures(database, Settings(_env_file=None, home=home))
    registry = CollectorRegistry()
    registry.register(Gauges(database, figures))
    text = generate_latest(registry).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return figures.overview(DAYS), {(each.name, *each.labels.values()): each.value for each in samples}


def test_a_week_is_told_as_the_overview_has_it(past, tmp_path):
    database, _ = past
    week, told = shown(database, tmp_path)
    assert week.value.questions > 0
    assert told[("answerloop_week_questions",)] == week.value.questions
    assert told[("answerloop_week_resolved",)] == week.value.resolved
    assert told["answerloop_week_thumbs", "down"] == week.downs
    assert told[("answerloop_review_open",)] == week.queue.open


def test_a_night_under_way_is_told(database, tmp_path):
    _, before = shown(database, tmp_path)
    with database.writing() as session:
        night = nights.begin(session)
    _, during = shown(database, tmp_path)
    with database.writing() as session:
        nights.end(session, night.id, "promote", [])
    _, after = shown(database, tmp_path)
    running = [told[("answerloop_training_running",)] for told in (before, during, after)]
    assert running == [0, 1, 0]
    assert after["answerloop_training_last_start_seconds", "promote"] > 1e9


def test_the_database_is_not_asked_by_everybody_who_asks(database, tmp_path):
    registry = CollectorRegistry()
    registry.register(Gauges(database, Figures(database, Settings(_env_file=None, home=tmp_path))))
    first = generate_latest(registry)
    with count_statements(database) as statements:
        assert generate_latest(registry) == first
    assert statements == []


@contextmanager
def count_statements(database):
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)
