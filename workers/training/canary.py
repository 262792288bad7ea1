"""A new adapter among the others: rolled back as soon as its conversations fare worse, live when enough went well."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from answerloop.db.repositories import adapters, alarms
from answerloop.db.repositories.adapters import Heard
from answerloop.db.session import Database
from answerloop.db.tables import now
from answerloop.domain import Serving
from workers.training import sequential
from workers.training.promote import Promotion

log = logging.getLogger(__name__)

ERROR = 0.05  # of rolling a harmless canary back, ever, by any of the signals
MARGINS = {
    "thumbs": 0.0,
    "verdicts": 0.0,
    "groundedness": 0.02,  # as the gate's floor: another voice has another mean, and none the guard would refuse
    "lateness": 0.02,  # a busy hour must not end a canary
}
TOO_LONG = 2  # times the days of the rule: a canary that nobody asks keeps all later ones away
LEAST_ANSWERS = 30  # before the days alone may promote it
ALARM = "canary"


@dataclass(frozen=True, slots=True)
class Rule:
    """`late_seconds`: an answer that took longer came too late."""

    answers: int
    days: float
    late_seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`harm` is a sentence, none while nothing was found; `luck` the p-value of each signal, `known` how many
    conversations of the canary and of the rest each stands on."""

    harm: str
    luck: dict[str, float]
    known: dict[str, tuple[int, int]]


class CanaryWatch:
    """A housekeeping job. Looks at the rows anew each time: the test allows for that."""

    def __init__(self, database: Database, promotion: Promotion, rule: Rule) -> None:
        self._database = database
        self._promotion = promotion
        self._rule = rule

    def look(self) -> None:
        serving = self._promotion.settle()
        if serving.canary is None:
            return
        with self._database.reading() as session:
            canary = adapters.get(session, serving.canary)
            began = str(canary.watch.get("since", "")) if canary else ""
            since = datetime.fromisoformat(began) if began else serving.since or now()
            heard = adapters.heard(session, since, self._rule.late_seconds)
            answers = adapters.answers_of(session, serving.canary, since)
        verdict = judge(heard, serving)
        enough = answers >= self._enough(since)
        why = verdict.harm or ("" if enough else self._unheard(since, answers))
        with self._database.writing() as session:  # the alarm before the rollback: after it nobody would know of it
            if canary is not None:
                known = {signal: list(counts) for signal, counts in verdict.known.items()}
                adapters.note(session, serving.canary, answers=answers, luck=verdict.luck, known=known)
            if why:
                text = f"The new adapter {serving.canary} is rolled back: {why}"
                alarms.ring(session, f"{ALARM}:{serving.canary}", ALARM, text)
        if why:
            self._promotion.rollback(serving.canary)
            log.warning("canary rolled back", extra={"adapter": serving.canary})
        elif enough:
            self._promotion.promote(serving.canary, only_canary=True)
            log.info("canary promoted", extra={"adapter": serving.canary, "answers": answers})

    def _unheard(self, since: datetime, answers: int) -> str:
        """Why its time is over although nothing is known against it."""
        is_over = now() - since >= TOO_LONG * timedelta(days=self._rule.days)
        return f"in all this time it gave {answers} answers." if is_over else ""

    def _enough(self, since: datetime) -> int:
        """Answers; after the days fewer do, for where little is asked."""
        late = now() - since >= timedelta(days=self._rule.days)
        return min(LEAST_ANSWERS, self._rule.answers) if late else self._rule.answers


def judge(heard: Sequence[Heard], serving: Serving) -> Verdict:
    """By conversation, as they were drawn; each counts once for each signal, by what was known of it first. Whoever was
    drawn counts as the canary's, whoever spoke in the end: so nothing that the canary does can move a conversation to
    the other side."""
    luck, known = {}, {}
    for signal, margin in MARGINS.items():
        first: dict[str, float] = {}
        for each in heard:
            if each.signal == signal:
                first.setdefault(each.conversation, each.bad)
        drawn = [serving.adapter_for(conversation) == serving.canary for conversation in first]
        alone = all(drawn)  # then there is nobody to compare it with
        luck[signal] = 1.0 if alone else sequential.luck(drawn, list(first.values()), serving.canary_share, margin)
        known[signal] = (sum(drawn), len(drawn) - sum(drawn))
    worst = min(luck, key=lambda signal: luck[signal])
    harm = ""
    if luck[worst] <= ERROR / len(MARGINS):
        mine, rest = known[worst]
        harm = f"{worst} worse than elsewhere ({mine} conversations against {rest}, luck {luck[worst]:.2g})."
    return Verdict(harm, luck, known)
