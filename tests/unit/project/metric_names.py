"""Which metrics the code shows, and with which labels; and which ones a query of Prometheus asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric

from answerloop import observability
from answerloop.db.session import Database
from answerloop.settings import Settings
from answerloop.testing.fakes import FakeTaskQueue
from bot.gauges import Gauges as Waiting
from review.dashboard.overview import Figures
from review.gauges import Gauges as Week

PROMETHEUS_OWN = {"up"}
LABELS_OF_PROMETHEUS = {"job", "instance", "process", "le"}
WORDS = re.compile(r"\b(answerloop_\w+|up)\b(?:\{([^}]*)\})?")


def shown(database: Database, home: Path) -> dict[str, set[str]]:
    """Names of samples with their labels; a histogram has `_bucket`, `_sum` and `_count`."""
    registry = CollectorRegistry()
    registry.register(Waiting(database, FakeTaskQueue(), home))
    registry.register(Week(database, Figures(database, Settings(_env_file=None, home=home))))  # type: ignore[call-arg]
    found = {name: set() for name in PROMETHEUS_OWN}
    for metric in (*registry.collect(), *_declared()):
        for name, labels in _samples(metric):
            found.setdefault(name, set()).update(labels)
    return found


def _declared() -> Iterable[Metric]:
    """Those of the process have no samples before something has happened, so they are asked by name."""
    assert observability.STEP_SECONDS
    return [metric for metric in REGISTRY.collect() if metric.name.startswith("answerloop_")]


def _samples(metric: Metric) -> Iterable[tuple[str, set[str]]]:
    own = {label for sample in metric.samples for label in sample.labels} | set(getattr(metric, "_labelnames", ()))
    declared = next(
        (each for each in vars(observability).values() if getattr(each, "_name", None) == metric.name), None
    )
    own |= set(getattr(declared, "_labelnames", ()))
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
    return [(f"{metric.name}{ending}", own) for ending in endings]


def asked(query: str) -> list[tuple[str, set[str]]]:
    """Each metric of a query with the labels that it is narrowed by."""
    return [(name, set(re.findall(r"(\w+)\s*[=!]", labels or ""))) for name, labels in WORDS.findall(query)]


def grouped_by(query: str) -> set[str]:
    return {label for group in re.findall(r"\bby \(([^)]*)\)", query) for label in re.findall(r"\w+", group)}
