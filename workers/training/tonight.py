"""`answerloop nightly`: a night on request, with its progress on the screen."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

import typer

from answerloop.cli.console import EXIT_INCOMPLETE, clear_errors, console, progress_bar
from answerloop.db.repositories import nights
from answerloop.db.session import Database
from answerloop.db.tables import now as right_now
from answerloop.exact_recognisers import ExactRecognisers
from answerloop.observability import configure_logging
from answerloop.settings import Settings, load_settings
from workers.training.manners import night_settings
from workers.training.nightly import Hours
from workers.wiring import Workshop, prepare_language_model

NOTHING_NEW = "Nothing has changed since the last night: it would end the same."
ANOTHER_RUNS = "Another night is under way; it goes on."


def nightly(
    now: Annotated[bool, typer.Option("--now", help="Do not wait for the night, and use the whole processor.")] = False,
) -> None:
    """Train an adapter, judge it, and promote it if it proves itself. Without --now: say when that is due."""
    with clear_errors():
        settings = load_settings()
        recognisers = ExactRecognisers(settings.masked_types, settings.redaction_regions)
        configure_logging("nightly", settings.log_format, settings.log_level, recognisers)
        database = Database(settings.effective_database_url)
        database.check()
        if not now:
            for line in _due(settings, database):
                console.print(line, highlight=False, markup=False)
            return
        workshop = Workshop(night_settings(settings, threads=len(os.sched_getaffinity(0))), "nightly")
        prepare_language_model(settings, lambda line: console.print(f"  {line}", highlight=False, markup=False))
        workshop.heartbeat.start()
        try:
            outcome = _tonight(workshop)
        finally:
            workshop.heartbeat.stop()
        for line in _told(workshop.database, outcome):
            console.print(line, highlight=False, markup=False)
        workshop.close()
        raise typer.Exit(EXIT_INCOMPLETE if outcome == "failed" else 0)


def _tonight(workshop: Workshop) -> str | None:
    with progress_bar("tonight") as progress:
        return workshop.nightly.run(lambda step, done, of, detail: progress(done, max(of, 1), f"{step}: {detail}"))


def _told(database: Database, outcome: str | None) -> list[str]:
    if outcome is None:
        return [ANOTHER_RUNS]
    if outcome == "unchanged":
        return [NOTHING_NEW]
    with database.reading() as session:
        latest = nights.latest(session)
    return [f"Outcome: {outcome}", *(latest.reasons if latest else ())]


def _due(settings: Settings, database: Database) -> list[str]:
    hours = Hours(settings.night_at, settings.time_zone, timedelta(hours=settings.night_hours))
    following = hours.begin_of(right_now() + timedelta(days=1))
    with database.reading() as session:
        latest = nights.latest(session)
    lines = [f"The next night begins {following:%Y-%m-%d %H:%M} ({settings.time_zone})."]
    if not settings.nightly:
        lines = ["Nothing is trained at night (ANSWERLOOP_NIGHTLY=false)."]
    if latest:
        lines += [
            f"The last one, of {latest.started_at:%Y-%m-%d %H:%M} UTC: {latest.outcome or 'under way'}.",
            *latest.reasons,
        ]
    return lines
