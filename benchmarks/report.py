"""What every benchmark hands back: figures, the bars they are held to, and the machine they were measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """The least a figure may be, or the most where less is better."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True)
class BarResult:
    value: float
    bar: float
    holds: bool


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    data: str
    machine: str
    figures: dict[str, float]
    bars: dict[str, BarResult]


def make_report(name: str, data: str, figures: Mapping[str, float], bars: Mapping[str, Bar]) -> Report:
    """Raises KeyError for a bar without a figure: a benchmark that did not measure has not passed."""
    results = {
        key: BarResult(figures[key], (bar.least if bar.least is not None else bar.most) or 0.0, bar.holds(figures[key]))
        for key, bar in bars.items()
    }
    return Report(name, data, describe_machine(), dict(figures), results)


def publish(report: Report, target: Path | None, more: Mapping[str, object] | None = None) -> None:
    """Print the report as a table and write it as JSON, with `more` beside it."""
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({**asdict(report), **(more or {})}, indent=2) + "\n")
    table = Table(title=f"{report.name}: {report.data}", caption=report.machine)
    for column in ("figure", "value", "bar", "holds"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for key, value in report.figures.items():
        result = report.bars.get(key)
        bar = f"{result.bar:g}" if result else ""
        verdict = "" if result is None else "yes" if result.holds else "NO"
        table.add_row(key, f"{value:.4g}", bar, verdict)
    Console().print(table)


def describe_machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}"
