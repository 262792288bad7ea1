"""Three made-up nights of training, with what each leaves behind: not tonight, refused, and a canary."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow
from answerloop.db.training_tables import AdapterRow, TrainingRunRow
from answerloop.domain import Outcome
from answerloop.testing import past_training

Arm: TypeAlias = tuple[float, float, float, float]
MODEL = "SmolLM2-135M-Instruct"
CANARY, CANARY_DAYS, SHARE = "adapter-0003", 4, 0.2
ARMS: dict[str, Arm] = {
    "quote only": (0.31, 0.71, 0.88, 0.4),
    "served now": (0.52, 0.78, 0.86, 0.6),
    "base": (0.38, 0.64, 0.62, 1.9),
    "base, few-shot": (0.44, 0.66, 0.58, 2.6),
}
"""F1, correctness, right abstention, and the seconds of an answer."""


@dataclass(frozen=True, slots=True)
class Nights:
    """The ids of the runs."""

    not_tonight: str
    refused: str
    canary: str


class Nightfall:
    def __init__(self, seed: int, now: datetime) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up figures
        self._now = now

    def paint(self, database: Database) -> Nights:
        with database.writing() as session:
            nights = Nights(self._not_tonight(session), self._refused(session), self._canary(session))
            self._speak(session, CANARY, self._now - timedelta(days=CANARY_DAYS))
        return nights

    def _not_tonight(self, session: Any) -> str:
        manifest = past_training.manifest({"correction": 14, "confirmed": 9, "abstention": 6, "replay": 20}, 11, 64, 9)
        suspicions = ["Four people have written nearly the same correction within an hour, about bicycle parking."]
        reasons = [
            "There are 73 test questions; 27 more are needed to have 100.",
            "There are 11 new rows to learn from; 14 more are needed to have 25.",
            f"The dataset is suspicious: {suspicions[0]}",
        ]
        figures = {
            "test_version": 1,
            "questions": 73,
            "unanswerable": 9,
            "new_rows": 11,
            "decision": 1,
            "error": 0.0304,
        }
        return self._run(
            session,
            ago=12,
            outcome="not tonight",
            reasons=reasons,
            step="dataset",
            minutes=2,
            dataset_manifest={**manifest, "test_version": 1, "suspicions": suspicions},
            test_version=1,
            decision={"outcome": "not tonight", "reasons": reasons, "figures": figures},
        )

    def _refused(self, session: Any) -> str:
        arms = {**ARMS, "candidate": (0.5, 0.72, 0.7, 1.8)}
        reasons = [
            "The F1 of the direct answer is not surely above served now: -2.0 points, at least -13.1 at this "
            "decision's error.",
            "Correctness may be worse than of served now: -6.0 points, 95 % interval from -14.1; at least -5.0 is "
            "asked for.",
            "A floor is broken: right abstention is 0.7, which may be at least 0.81.",
        ]
        return self._decided(session, 8, "adapter-0002", arms, "refused", reasons, decision=1, rows=27)

    def _canary(self, session: Any) -> str:
        arms = {**ARMS, "candidate": (0.69, 0.81, 0.86, 1.7)}
        reasons = [
            "The F1 of the direct answer is +17.0 points above the best other arm (served now), at least +5.9 at this "
            "decision's error of 0.0076; correctness is no worse and every floor holds."
        ]
        return self._decided(session, CANARY_DAYS, CANARY, arms, "canary", reasons, decision=2, rows=31)

    def _decided(
        self, session: Any, ago: int, adapter: str, arms: Mapping[str, Arm], outcome: str,
        reasons: Sequence[str], *, decision: int, rows: int,
    ) -> str:  # fmt: skip
        manifest = past_training.manifest(
            {"correction": 80, "confirmed": 20, "abstention": 15, "replay": 40}, rows, 90, 20
        )
        verdict = "promote" if outcome == "canary" else outcome
        run_id = self._run(
            session,
            ago=ago,
            outcome=outcome,
            reasons=reasons,
            step="promote" if outcome == "canary" else "evaluate",
            minutes=26,
            adapter=adapter,
            dataset_manifest={**manifest, "test_version": 2},
            test_version=2,
            record=past_training.record(self._random),
            ladder={
                "questions": 110,
                "arms": [past_training.arm(self._random, name, *known) for name, known in arms.items()],
                "examples": {"better": past_training.BETTER, "worse": past_training.WORSE},
            },
            decision={
                "outcome": verdict,
                "reasons": list(reasons),
                "figures": past_training.decided(arms, decision, rows),
            },
        )
        session.add(
            AdapterRow(
                name=adapter,
                run_id=run_id,
                dataset=manifest["hash"],
                base_model=MODEL,
                state="canary" if outcome == "canary" else "retired",
                tainted_at=None if outcome == "canary" else self._now - timedelta(days=1),
                tainted_because="" if outcome == "canary" else "An answer that it has learned from was erased.",
                created_at=self._now - timedelta(days=ago),
            )
        )
        return run_id

    def _run(self, session: Any, *, ago: int, minutes: float, reasons: Sequence[str], **columns: Any) -> str:
        started = (self._now - timedelta(days=ago)).replace(hour=2, minute=0, second=0, microsecond=0)
        row = TrainingRunRow(
            state="done",
            dataset=columns["dataset_manifest"]["hash"],
            reasons=list(reasons),
            attempts=1,
            started_at=started,
            finished_at=started + timedelta(minutes=minutes),
            **columns,
        )
        session.add(row)
        session.flush()
        return row.id

    def _speak(self, session: Any, canary: str, since: datetime) -> None:
        """The canary has said a fifth of what was said since."""
        answers = 0
        for answer in session.query(AnswerRow).filter(AnswerRow.created_at > since, AnswerRow.adapter == "base"):
            if answer.outcome == Outcome.ANSWERED and self._random.random() < SHARE:
                answer.adapter, answer.model = canary, MODEL
                answers += 1
        session.get(AdapterRow, canary).watch = {**past_training.WATCH, "answers": answers}


def paint_nights(database: Database, seed: int = 7) -> Nights:
    return Nightfall(seed, datetime.now(UTC) - timedelta(minutes=5)).paint(database)
