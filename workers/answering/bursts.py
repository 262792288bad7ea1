"""Many better answers that say nearly the same within an hour: perhaps a colleague's zeal, perhaps somebody who wants
to teach us something. A person is told, and none of them is taken for granted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from rapidfuzz import fuzz, process

from answerloop.db.repositories import alarms, feedback
from answerloop.db.repositories.feedback import Suggestion
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.text import words

log = logging.getLogger(__name__)

KIND = "burst"
WINDOW = timedelta(hours=1)
ALIKE = 85.0
"""Percent of the letters, words sorted. Of sentences with one word in eight changed, dropped or misspelt 98.6 % are
found; of 60,000 pairs of different sentences of the sample handbook 3 are taken for the same (two of them differ in a
number)."""
MANY, QUESTIONS = 5, 3
"""So many of them in an hour, or for so many answers. People who agree about one answer are fewer."""
AT_ONCE = 500
MOST_WORDS = 100
"""Suggestions that are compared, the latest ones, and how much of each."""


def groups(texts: Sequence[str]) -> list[list[int]]:
    """The places of texts that are nearly the same, directly or by way of others."""
    plain = [" ".join(words(text)[:MOST_WORDS]) for text in texts]
    found: list[list[int]] = []
    for place, text in enumerate(plain):
        near, rest = [place], []
        for group in found:
            like = process.extractOne(
                text, [plain[each] for each in group], scorer=fuzz.token_sort_ratio, score_cutoff=ALIKE
            )
            if like:
                near += group
            else:
                rest.append(group)
        found = [*rest, sorted(near)]
    return sorted(found)


def is_burst(together: Sequence[Suggestion]) -> bool:
    known = any(suggestion.burst for suggestion in together)
    return known or len(together) >= MANY or len({suggestion.answer_id for suggestion in together}) >= QUESTIONS


class BurstWatch:
    """Looks at the better answers of the last hour. Any number of times: a burst has one alarm, however long it goes
    on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looked_at: set[tuple[str, datetime]] = set()

    def look(self) -> None:
        with self._database.reading() as session:
            written = feedback.suggested_since(session, now() - WINDOW, AT_ONCE)[::-1]
        seen = {(suggestion.id, suggestion.written_at) for suggestion in written}
        if seen <= self._looked_at:
            return
        for group in groups([suggestion.text for suggestion in written]):
            together = [written[place] for place in group]
            fresh = [suggestion.id for suggestion in together if not suggestion.burst]
            if fresh and is_burst(together):
                self._raise(together, fresh)
        self._looked_at = seen

    def _raise(self, together: Sequence[Suggestion], fresh: Sequence[str]) -> None:
        """Ids and counts only: an alarm is read by more people than the suggestions."""
        key = min((each.burst for each in together if each.burst), default=f"{KIND}:{together[0].id}")
        answers, people = ({getattr(each, name) for each in together} for name in ("answer_id", "person"))
        text = (
            f"{len(together)} better answers that say nearly the same were suggested within an hour, for "
            f"{len(answers)} {'answer' if len(answers) == 1 else 'answers'}, by "
            f"{len(people)} {'person' if len(people) == 1 else 'people'}. Reviewers see them marked, and none is "
            "filled in for them."
        )
        with self._database.writing() as session:
            feedback.mark_burst(session, fresh, key)
            is_new = alarms.ring(session, key, KIND, text)
        if is_new:
            log.warning("burst of suggestions", extra={"alarm": key, "suggestions": len(together)})
