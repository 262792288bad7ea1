"""A night, from its dataset to its decision. Each step leaves what the next one needs, so that a crash costs a step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from answerloop.db.repositories import leases, nights, training_sets
from answerloop.db.repositories.nights import Night
from answerloop.db.session import Database, DuplicateKey
from answerloop.db.tables import now
from answerloop.errors import AnswerloopError, NightFailed, Retryable
from answerloop.heartbeat import Heartbeat
from answerloop.ports import Notifier
from workers.training.gate import SUSPICION, Decision, Outcome, postponed
from workers.training.rows import Dataset

log = logging.getLogger(__name__)

LEASE, LEASE_FOR = "night", timedelta(minutes=5)
MOST_ATTEMPTS = 5
"""A night that broke off so often breaks off by itself."""

SUSPICIOUS = "The dataset is suspicious: the page of the night says why."

Report = Callable[[int, int, str], None]


class LeaseLost(Retryable):
    """This process stood still for too long."""


class Step(StrEnum):
    DATASET = "dataset"
    TRAIN = "train"
    EVALUATE = "evaluate"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Judged:
    """`decision` by the gate, `ladder` for people; both plain JSON where they are stored."""

    decision: Decision
    ladder: Mapping[str, Any]


class Work(Protocol):
    """What a night does. Every method may be called again after a crash, and then goes on or does it anew.

    Raises NightFailed for what will not succeed, Retryable for what may at another time.
    """

    def dataset(self) -> Dataset: ...

    def read(self, dataset: str) -> Dataset: ...

    def fingerprint(self, dataset: Dataset) -> str:
        """Changes with the dataset, the parameters and the model: the same one again would end the same."""

    def canary_runs(self) -> bool: ...

    def train(self, night: Night, dataset: Dataset, report: Report) -> tuple[str, Mapping[str, Any]]:
        """The name of the adapter, which is stored by now but serves nobody, and the record of its training."""

    def evaluate(self, night: Night, dataset: Dataset, report: Report) -> Judged: ...

    def promote(self, night: Night) -> str:
        """`canary` or `live`."""

    def discard(self, adapter: str) -> None: ...

    def tidy(self, night: Night) -> None:
        """Take away what only the steps of this night have needed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When nights begin, by the clock of `zone`, and how long one may take."""

    at: time
    zone: ZoneInfo
    length: timedelta

    def begin_of(self, moment: datetime) -> datetime:
        """When the latest night began or should have."""
        there = moment.astimezone(self.zone)
        today = datetime.combine(there.date(), self.at, self.zone)
        return today if today <= there else datetime.combine(there.date() - timedelta(days=1), self.at, self.zone)


class Nightly:
    def __init__(
        self,
        database: Database,
        work: Work,
        notifier: Notifier,
        heartbeat: Heartbeat,
        hours: Hours,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._database = database
        self._work = work
        self._notifier = notifier
        self._heartbeat = heartbeat
        self._hours = hours
        self._clock = clock
        self._lease: leases.Lease | None = None

    def tick(self) -> str | None:
        """Go on with a night that broke off, or begin the one that is due; its outcome, None where there is nothing to
        do. Raises what `run` does."""
        with self._database.reading() as session:
            broken, latest = nights.unfinished(session), nights.latest(session)
            seen = leases.position(session, LEASE)
        begin = self._hours.begin_of(self._clock())
        is_due = self._clock() - begin < self._hours.length and (latest is None or latest.started_at < begin)
        if broken is None and (not is_due or seen == begin.isoformat()):
            return None
        return self.run()

    def run(self, report: Callable[[str, int, int, str], None] = lambda *_: None) -> str | None:
        """One night now; its outcome, "unchanged" where it would be the last one once more, None while another one
        runs. Raises Retryable: then another call goes on with it."""
        with self._alone() as lease:
            if lease is None:
                return None
            with self._database.writing() as session:
                night = nights.begin(session)
            try:
                return self._steps(night, report)
            except Retryable:
                with suppress(Retryable), self._writing() as session:
                    nights.take_back_attempt(session, night.id)
                log.warning("the night is interrupted", extra={"run": night.id})
                raise
            except AnswerloopError as error:
                return self._failed(night, str(error))
            except Exception as error:  # whatever a library raises ends this night, not the worker
                log.exception("the night failed")
                return self._failed(night, f"{type(error).__name__}: {error}")

    # --- steps

    def _steps(self, night: Night, report: Callable[[str, int, int, str], None]) -> str | None:
        if night.attempts > MOST_ATTEMPTS:
            return self._failed(night, f"It broke off {MOST_ATTEMPTS} times at the step “{night.step}”.")
        dataset = self._work.dataset() if night.step == Step.DATASET else self._work.read(night.dataset)
        if night.step == Step.DATASET:
            canary = self._work.canary_runs()
            fingerprint = f"{self._work.fingerprint(dataset)}{' beside a canary' * canary}"
            if self._is_unchanged(fingerprint):
                with self._writing() as session:
                    nights.forget(session, night.id)
                return "unchanged"
            known = {
                "dataset": dataset.hash,
                "dataset_manifest": {**dataset.manifest, nights.FINGERPRINT: fingerprint},
                "test_version": dataset.test_version,
            }
            missing = postponed(
                len(dataset.test),
                sum(not row.answerable for row in dataset.test),
                dataset.new_rows,
                dataset.suspicions,
                canary,
            )
            if missing:
                return self._end(night, Outcome.NOT_TONIGHT.value, missing, **known)
            night = self._reach(night, Step.TRAIN, **known)
        if night.step == Step.TRAIN:
            adapter, record = self._work.train(night, dataset, self._reporter(night, report))
            night = self._reach(night, Step.EVALUATE, adapter=adapter, record=dict(record))
        if night.step == Step.EVALUATE:
            judged = self._work.evaluate(night, dataset, self._reporter(night, report))
            decision = judged.decision
            known = {"ladder": dict(judged.ladder), "decision": decision.as_dict()}
            if decision.outcome is not Outcome.PROMOTE:
                ended = self._end(night, decision.outcome.value, decision.reasons, **known)
                self._work.discard(night.adapter)  # what a crash leaves of it, the watch of adapters takes away
                return ended
            night = self._reach(night, Step.PROMOTE, reasons=list(decision.reasons), **known)
        with self._writing():  # whoever has lost the lease must not touch what is served
            pass
        return self._end(night, self._work.promote(night), None)

    def _require_same_test(self, session: Any, night: Night, known: Mapping[str, Any]) -> None:
        """What is written of test questions must not come after their erasure. Raises NightFailed."""
        if "ladder" in known and training_sets.version(session) != night.test_version:
            raise NightFailed("Test questions were erased during the night; the next one asks the others.")

    def _is_unchanged(self, fingerprint: str) -> bool:
        with self._database.reading() as session:
            return nights.last_fingerprint(session) == fingerprint

    def _reach(self, night: Night, step: Step, **known: Any) -> Night:
        with self._writing() as session:
            self._require_same_test(session, night, known)
            return nights.reach(session, night.id, step.value, **known)

    def _end(self, night: Night, outcome: str, reasons: tuple[str, ...] | None, **known: Any) -> str:
        with self._writing() as session:
            self._require_same_test(session, night, known)
            told = nights.end(session, night.id, outcome, reasons, **known)
        self._work.tidy(night)
        self._tell(night, outcome, told)
        return outcome

    def _failed(self, night: Night, reason: str) -> str:
        with self._writing() as session:
            known = nights.unfinished(session)
            if known is None or known.id != night.id:
                return "failed"  # after its end: what was decided stands
            told = nights.end(session, night.id, "failed", (reason,), state=nights.FAILED)
        if known.adapter:
            self._work.discard(known.adapter)
        self._work.tidy(night)
        self._tell(night, "failed", told)
        return "failed"

    def _tell(self, night: Night, outcome: str, reasons: tuple[str, ...]) -> None:
        """A suspicion quotes what people wrote: it is for the operators, on the page of the night."""
        log.info("the night is over", extra={"run": night.id, "outcome": outcome})
        said = [SUSPICIOUS if reason.startswith(SUSPICION) else reason for reason in reasons]
        try:
            self._notifier.report(f"night:{night.id}", f"Tonight's training: {outcome}.\n" + "\n".join(said))
        except Exception:  # the night is over, whoever hears of it
            log.exception("the report of the night was not sent")

    # --- around it

    def _reporter(self, night: Night, report: Callable[[str, int, int, str], None]) -> Report:
        def told(done: int, of: int, detail: str) -> None:
            report(night.step, done, of, detail)
            with self._writing() as session:
                nights.progress(session, night.id, {"step": night.step, "done": done, "of": of, "detail": detail})

        return told

    @contextmanager
    def _alone(self) -> Iterator[leases.Lease | None]:
        """On every machine together: a second delivery of the job, or another worker, finds it taken."""
        try:
            with self._database.writing() as session:
                lease = leases.take(session, LEASE, LEASE_FOR)
        except DuplicateKey:  # two at once, for the first time
            lease = None
        if lease is None:
            yield None
            return
        self._lease = lease
        begin = self._hours.begin_of(self._clock()).isoformat()
        try:
            with self._heartbeat.during(lambda: self._renew(lease)):
                yield lease
        finally:
            with self._database.writing() as session:
                leases.release(session, lease, begin)

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Raises LeaseLost where another worker goes on with this night."""
        with self._database.writing() as session:
            if self._lease is None or not leases.renew(session, self._lease, LEASE_FOR):
                raise LeaseLost("another worker goes on with this night")
            yield session

    def _renew(self, lease: leases.Lease) -> None:
        with self._database.writing() as session:
            if not leases.renew(session, lease, LEASE_FOR):
                log.error("the lease of the night is lost")
