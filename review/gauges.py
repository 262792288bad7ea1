"""What the dashboard knows, for Prometheus: what people made of the answers of a week, and how training stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from answerloop.db.repositories import adapters, alarms, nights
from answerloop.db.session import Database
from answerloop.errors import DatabaseUnavailable
from answerloop.timed_cache import TimedCache
from review.dashboard.overview import Figures

DAYS = 7
KEPT_SECONDS = 50.0
"""Whoever asks more often is told the same: somewhat less than the minute after which Prometheus comes again."""


class Gauges(Collector):
    """Nothing while the database is away: the bot's metrics say that it is."""

    def __init__(self, database: Database, figures: Figures) -> None:
        self._database = database
        self._figures = figures
        self._kept: TimedCache[int, list[Metric]] = TimedCache(KEPT_SECONDS)

    def collect(self) -> Iterator[Metric]:
        try:
            yield from self._kept.get(DAYS, lambda: [*self._week(), *self._training()])
        except DatabaseUnavailable:
            return

    def _week(self) -> list[Metric]:
        week = self._figures.overview(DAYS)
        thumbs = GaugeMetricFamily("answerloop_week_thumbs", "Thumbs on answers of seven days", labels=["thumb"])
        thumbs.add_metric(["up"], week.ups)
        thumbs.add_metric(["down"], week.downs)
        ringing = GaugeMetricFamily("answerloop_alarms", "Alarms that nobody has cleared")
        with self._database.reading() as session:
            ringing.add_metric([], len(alarms.standing(session)))
        return [
            GaugeMetricFamily(
                "answerloop_week_questions",
                "Questions of seven days with a finished answer",
                value=week.value.questions,
            ),
            GaugeMetricFamily(
                "answerloop_week_resolved",
                "Those that were answered without a person, a thumb down or a second try",
                value=week.value.resolved,
            ),
            GaugeMetricFamily(
                "answerloop_review_open", "Answers that reviewers have before them", value=week.queue.open
            ),
            thumbs,
            ringing,
        ]

    def _training(self) -> list[Metric]:
        with self._database.reading() as session:
            running, latest = nights.unfinished(session), nights.latest(session)
            states = Counter(adapter.state for adapter in adapters.everyone(session))
        last = GaugeMetricFamily(
            "answerloop_training_last_start_seconds", "When the latest night began, in Unix time", labels=["outcome"]
        )
        if latest:
            last.add_metric([latest.outcome], latest.started_at.timestamp())
        known = GaugeMetricFamily("answerloop_adapters", "Adapters that were trained here", labels=["state"])
        for state in adapters.AdapterState:
            known.add_metric([state.value], states[state])
        return [
            GaugeMetricFamily(
                "answerloop_training_running", "Whether a night is under way", value=float(bool(running))
            ),
            last,
            known,
        ]
