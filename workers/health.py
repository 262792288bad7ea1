"""What `answerloop doctor` looks at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from answerloop.db.repositories import documents, processes, questions
from answerloop.errors import AnswerloopError
from workers.wiring import Workshop, check_index, check_models

OLD_QUESTION_SECONDS = 60.0
LOW_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    healthy: bool
    text: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(workshop: Workshop) -> list[Finding]:
    """Every check, also after one has failed."""
    checks: dict[str, Callable[[Workshop], Iterator[Finding]]] = {
        "state folder": _state,
        "models": _models,
        "adapters": _adapters,
        "database": _database,
        "broker": _broker,
        "index": _index,
        "documents": _documents,
        "questions": _questions,
        "processes": _processes,
    }
    findings: list[Finding] = []
    for name, check in checks.items():
        try:
            findings.extend(check(workshop))
        except AnswerloopError as error:
            findings.append(Finding(name, False, str(error)))
    return findings


def examine_slack(workshop: Workshop) -> list[Finding]:
    """What is missing before Slack works."""
    try:
        return [Finding(*found) for found in workshop.slack_checkup().findings()]
    except AnswerloopError as error:
        return [Finding("slack", False, str(error))]


def examine_teams(workshop: Workshop) -> list[Finding]:
    """What is missing before Teams works."""
    try:
        return [Finding(*found) for found in workshop.teams_checkup().findings()]
    except AnswerloopError as error:
        return [Finding("teams", False, str(error))]


def _state(workshop: Workshop) -> Iterator[Finding]:
    root = workshop.settings.state.root
    if not root.is_dir() or not os.access(root, os.W_OK):
        yield Finding("state folder", False, f"{root} is not a folder we can write to: start `answerloop up` once")
        return
    free = shutil.disk_usage(root).free
    yield Finding("state folder", free > LOW_DISK_BYTES, f"{root}, {free / 1e9:.0f} GB free")


def _models(workshop: Workshop) -> Iterator[Finding]:
    yield Finding("models", True, check_models(workshop.settings))


def _adapters(workshop: Workshop) -> Iterator[Finding]:
    serving = workshop.adapters.serving()
    for name in sorted(serving.adapters):
        workshop.adapters.manifest(name)
    speaks = f"live {serving.live}" if serving.live else "none is live"
    canary = f", canary {serving.canary} for {serving.canary_share:.0%}" if serving.canary else ""
    yield Finding("adapters", True, speaks + canary)


def _database(workshop: Workshop) -> Iterator[Finding]:
    workshop.database.check()
    yield Finding("database", True, workshop.database.engine.url.render_as_string(hide_password=True))


def _broker(workshop: Workshop) -> Iterator[Finding]:
    depths = workshop.queue.depths()
    yield Finding("broker", True, ", ".join(f"{queue}: {depth} waiting" for queue, depth in depths.items()))


def _documents(workshop: Workshop) -> Iterator[Finding]:
    with workshop.database.reading() as session:
        count = documents.count(session)
        sources = documents.sources(session)
    yield Finding(
        "documents", count > 0, f"{count} in {len(sources)} sources" if count else "none: run `answerloop ingest`"
    )
    for source in sources:
        rejected = len(source.report.get("rejected", {}))
        if rejected:
            yield Finding("documents", False, f"{source.location}: {rejected} rejected, see `answerloop ingest` on it")


def _index(workshop: Workshop) -> Iterator[Finding]:
    """It does not move with the rows, and an empty one answers everything with "I don't know"."""
    with workshop.database.reading() as session:
        tenants = documents.tenants(session)
    counts = {tenant: workshop.index.count(tenant) for tenant in tenants}
    yield from (
        Finding("index", False, f"empty: run `answerloop ingest --rebuild --tenant {tenant}`")
        for tenant, chunks in counts.items()
        if not chunks
    )
    if all(counts.values()):
        yield Finding("index", True, f"{check_index(workshop.settings)}, {sum(counts.values())} chunks")


def _questions(workshop: Workshop) -> Iterator[Finding]:
    with workshop.database.reading() as session:
        count, oldest = questions.open_count(session)
    yield Finding("questions", oldest < OLD_QUESTION_SECONDS, f"{count} open, the oldest for {oldest:.0f} s")


def _processes(workshop: Workshop) -> Iterator[Finding]:
    with workshop.database.reading() as session:
        alive = processes.alive(session)
    for process in alive:
        yield Finding(
            f"process {process.name}", True, f"pid {process.pid}, {process.resident_bytes / 1e6:.0f} MB resident"
        )
    missing = {"bot", "beat"} - {process.name for process in alive}
    if not any(process.name in ("worker-answer", "worker-all") for process in alive):
        missing.add("worker-answer")
    if missing:
        yield Finding("processes", False, f"not running: {', '.join(sorted(missing))} (start `answerloop up`)")
    else:
        total = sum(process.resident_bytes for process in alive)
        yield Finding("processes", True, f"{total / 1e6:.0f} MB resident in all")
