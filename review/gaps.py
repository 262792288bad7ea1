"""What the documents do not say: a report for each week, and a look at the last seven days."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from answerloop.db.repositories import gaps
from answerloop.db.session import Database
from answerloop.ports import Notifier
from review.themes import Theme, themes

WEEK = timedelta(days=7)
TOLD = 8
PRIVATE_BELOW = 2
"""A question that one person alone has asked is not shown to a whole room."""
LACKS = {
    "missing": "document named by a reviewer",
    "unanswered": "not answered",
    "thumb_down": "thumbs down",
    "uncertain": "uncertain",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Gaps:
    """Raises DatabaseUnavailable; to be called again later."""

    def __init__(
        self,
        database: Database,
        notifier: Notifier,
        tenant: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._notifier = notifier
        self._tenant = tenant
        self._clock = clock

    def report_week(self) -> None:
        """The report of the week that ended last, once; telling the room is done until it has worked."""
        until = week_start(self._clock())
        since = until - WEEK
        with self._database.reading() as session:
            found = gaps.report(session, self._tenant, since, until)
        if found is None:
            made = [theme.as_json() for theme in self.look(since, until)]
            with self._database.writing() as session:
                found = gaps.write(session, self._tenant, since, until, made)
        if found.themes:
            self._notifier.report(f"gaps:{self._tenant}:{until.date()}", told(found.themes, since, until))

    def last_days(self) -> list[Theme]:
        until = self._clock()
        return self.look(until - WEEK, until)

    def look(self, since: datetime, until: datetime) -> list[Theme]:
        with self._database.reading() as session:
            lacking = gaps.lacking(session, self._tenant, since, until)
        return themes(lacking)


def week_start(moment: datetime) -> datetime:
    """Monday, 00:00 UTC."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())


def told(found: Sequence[Mapping[str, Any]], since: datetime, until: datetime) -> str:
    """The report as plain text for a room. `until` is not part of it."""
    last = until - timedelta(days=1)
    lines = [f"What people asked and the documents do not say, {since:%-d %B} to {last:%-d %B %Y}:"]
    for theme in found[:TOLD]:
        lines.append(f"• {theme['name']}: {_count(theme['questions'], 'question')} of {_people(theme['people'])}")
        if theme["people"] >= PRIVATE_BELOW and theme["examples"] and not theme["other"]:
            lines.append(f"   e.g. “{theme['examples'][0]}”")
    if len(found) > TOLD:
        lines.append(f"… and {len(found) - TOLD} more on the dashboard.")
    return "\n".join(lines)


def as_csv(found: Sequence[Mapping[str, Any]]) -> str:
    """For a spreadsheet, which takes what begins like a formula for one: such a cell begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["document to write", "named by a reviewer", "questions", "people", "why", "nearest", "examples"])
    for theme in found:
        why = "; ".join(f"{LACKS.get(lack, lack)}: {count}" for lack, count in theme["lacks"].items())
        named = "yes" if theme["named"] else "no"
        row = [theme["name"], named, theme["questions"], theme["people"], why, theme["nearest"]]
        writer.writerow(map(_cell, [*row, *theme["examples"]]))
    return out.getvalue()


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"
