"""Which answers people look at. Every finished answer gets a probability first and then a draw; both are stored.

The probability depends on the answer and on what was drawn before it, never on its own draw, and is never 0. So
weighting by 1/p estimates all answers without bias, whatever the budget did to it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from answerloop.auditing import Flag, Priority
from answerloop.db.repositories import audits, leases, sample_history, samples
from answerloop.db.repositories.leases import Lease
from answerloop.db.repositories.sample_history import Past
from answerloop.db.repositories.samples import Finished, Sample
from answerloop.db.session import Database, DuplicateKey
from answerloop.db.tables import now
from answerloop.domain import BASE_ADAPTER
from answerloop.settings import Settings

log = logging.getLogger(__name__)

LEASE_NAME = "audit.sample"
LEASE = timedelta(seconds=60)
PATIENCE = timedelta(seconds=60)
"""An answer that has no masked text after this long is judged in house."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(hours=1)
"""So long may a transaction take from its own time to its commit, and clocks differ."""
BATCH, BATCHES = 200, 10

RARE = 2
"""Answers of a stratum that are wanted in a week at least, as far as it has as many."""
TILT = 0.2
"""How little an answer that teaches nothing is wanted, where 1.2 is what teaches most."""
USUAL_TEACHING = 0.4
FLOOR = 0.05
"""Share of the usual probability that is left when the budget is spent."""
UNIT = 2.0**-53


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings say."""

    share: float
    canary_share: float
    canary_answers: int
    budget: int
    overlap: int
    reviewers_group: str
    seed: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        return cls(
            settings.sample_share,
            settings.sample_canary_share,
            settings.sample_canary_answers,
            settings.review_budget,
            settings.review_overlap,
            settings.reviewers_group,
            settings.sample_seed,
        )


def draw(seed: str, answer_id: str) -> float:
    """Uniform in [0, 1), and always the same for an answer."""
    digest = hmac.digest(seed.encode(), answer_id.encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8]) >> 11) * UNIT


def stratum(answer: Finished) -> str:
    return f"{answer.channel}/{answer.topic}/{answer.confidence}"


def uncertainty(scores: Mapping[str, Any]) -> float:
    """1 where it was a toss-up whether the documents answer it, or where nothing carries what was said; 0 where all was
    clear, or nothing was weighed."""
    answerable, grounded = scores.get("answerable"), scores.get("grounded")
    toss_up = 4 * answerable * (1 - answerable) if answerable is not None else 0.0
    return min(1.0, max(0.0, toss_up, 1 - grounded if grounded is not None else 0.0))


def novelty(answer: Finished, chosen: Sequence[tuple[str, bytes]]) -> float:
    """1 − the highest cosine to the questions that were chosen last; the usual for a question without a vector."""
    if answer.vector is None:
        return USUAL_TEACHING
    near = [vector for embedder, vector in chosen if embedder == answer.embedder]
    if not near:
        return 1.0
    rows = np.frombuffer(b"".join(near), dtype="<f4").reshape(len(near), -1)
    return float(np.clip(1 - (rows @ np.frombuffer(answer.vector, dtype="<f4")).max(), 0.0, 1.0))


def priority_of(flags: Collection[Flag], *, canary: bool) -> Priority:
    if Flag.UNSAFE in flags or Flag.HUMAN in flags:
        return Priority.URGENT
    if flags:
        return Priority.FLAGGED
    return Priority.CANARY if canary else Priority.SAMPLE


def wanted(share: float, before: int, teaching: float, usual: float) -> float:
    """The probability if reviewers had all the time: the share, more where the stratum is rare (`before`: its answers
    of the last days) or the answer teaches more than usual."""
    rare = RARE / (before + 1)
    return min(1.0, max(share * (TILT + teaching) / (TILT + usual), rare))


def probability(wanted: float, share: float, budget: int, past: Past) -> float:
    """As much of it as the budget allows: what is left after the flagged answers, spread over the rest of the day."""
    left = max(0.0, budget - past.spent - past.flagged_ahead)
    affordable = left / max(left, past.wanted_ahead) if left else 0.0
    return max(min(wanted, share * FLOOR), wanted * affordable)


def decide(answer: Finished, past: Past, plan: Plan, created_at: datetime) -> Sample:
    """Its sample. Leaves `past` as the next answer finds it."""
    canary = answer.adapter != BASE_ADAPTER and past.judged.get(answer.adapter, 0) < plan.canary_answers
    share = max(plan.share, plan.canary_share) if canary else plan.share
    unsure, new = uncertainty(answer.scores), novelty(answer, past.questions)
    usual = USUAL_TEACHING if past.teaching is None else past.teaching
    place, number = stratum(answer), draw(plan.seed, answer.answer_id)
    would = 1.0 if answer.flags else wanted(share, past.answers.get(place, 0), (unsure + new) / 2, usual)
    chance = 1.0 if answer.flags else probability(would, share, plan.budget, past)
    chosen = number < chance
    past.answers[place] = past.answers.get(place, 0) + 1
    past.spent += chosen
    if chosen and answer.vector is not None:
        past.questions.insert(0, (answer.embedder, answer.vector))
    return Sample(
        answer_id=answer.answer_id,
        probability=chance,
        draw=number,
        chosen=chosen,
        priority=priority_of(answer.flags, canary=canary),
        topic=answer.topic,
        stratum=place,
        wanted=would,
        flags=answer.flags,
        uncertainty=unsure,
        novelty=new,
        created_at=created_at,
    )


class Sampler:
    """A housekeeping job: whatever it misses, or loses in a crash, the next run finds in the rows."""

    def __init__(self, database: Database, plan: Plan) -> None:
        self._database = database
        self._plan = plan

    def sample(self) -> int:
        """Draw for all answers that wait, open audits for those flagged since, close those of answers taken back.
        Returns how many answers were drawn; none while another run is at it."""
        lease = self._take()
        if lease is None:
            return 0
        started = now()
        since = datetime.fromisoformat(lease.position) if lease.position else LONG_AGO
        plan = replace(self._plan, seed=self._plan.seed or str(lease.details["seed"]))
        self._flag_late(since)
        self._close_retracted()
        batches = [self._draw(lease, since, plan)]
        while batches[-1] == BATCH and len(batches) < BATCHES:
            batches.append(self._draw(lease, since, plan))
        reached = started - PATIENCE - OVERLAP if batches[-1] < BATCH else since
        with self._database.writing() as session:
            leases.release(session, lease, reached.isoformat())
        if drawn := sum(batches):
            log.info("answers sampled", extra={"answers": drawn})
        return sum(batches)

    def _take(self) -> Lease | None:
        try:
            with self._database.writing() as session:
                lease = leases.take(session, LEASE_NAME, LEASE)
                if lease is not None and "seed" not in lease.details:
                    lease = leases.keep(session, lease, seed=secrets.token_hex(16))
        except DuplicateKey:  # two first runs at the same moment
            return None
        return lease

    def _draw(self, lease: Lease, since: datetime, plan: Plan) -> int:
        """One batch, whole or not at all; how many it had."""
        with self._database.reading() as session:
            waiting = samples.finished(session, since, now() - PATIENCE, BATCH)
            if not waiting:
                return 0
            past = sample_history.past(session, now())
        rows = [decide(answer, past, plan, now()) for answer in waiting]
        with self._database.writing() as session:
            if not leases.renew(session, lease, LEASE):
                return 0
            samples.write(session, rows)
            for row in rows:
                if row.chosen:
                    self._open(session, row.answer_id, row.priority)
        return len(rows)

    def _flag_late(self, since: datetime) -> None:
        with self._database.reading() as session:
            if not samples.flagged_since(session, since):
                return
        with self._database.writing() as session:
            for answer_id, flags in samples.flagged_since(session, since).items():
                priority = priority_of(flags, canary=False)
                samples.flag(session, answer_id, flags, priority)
                self._open(session, answer_id, priority)

    def _close_retracted(self) -> None:
        with self._database.reading() as session:
            retracted = audits.retracted(session)
        if retracted:
            with self._database.writing() as session:
                for audit_id in retracted:
                    audits.close(session, audit_id)

    def _open(self, session: Any, answer_id: str, priority: Priority) -> None:
        in_house = audits.must_stay_in_house(session, answer_id, self._plan.reviewers_group)
        audits.open_audit(session, answer_id, priority, in_house=in_house, overlap=self._plan.overlap)
