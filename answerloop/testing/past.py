"""A made-up past of an installation, for the pages that show figures: the same one for the same seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from answerloop.auditing import AuditState, CorrectionState, Grounded, Origin, Priority, Verdict
from answerloop.db.audit_tables import (
    AlarmRow,
    AuditRow,
    CorrectionRow,
    CuratedRow,
    ObjectiveRow,
    QuestionVectorRow,
    ReviewerRow,
    SampleRow,
    VerdictRow,
)
from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.db.tables import (
    AnswerRow,
    AnswerSourceRow,
    ConversationRow,
    DocumentRow,
    EscalationRow,
    FeedbackRow,
    ProcessRow,
    QuestionRow,
    new_id,
)
from answerloop.domain import Action, Confidence, Outcome, QuestionState, Stage, Thumb

DIMENSION = 32
KNOWN = {
    "it": (
        "How do I get onto the VPN from home?",
        "My password has expired, what now?",
        "Who installs a second screen?",
    ),
    "hr": ("How many days of parental leave do I get?", "When is my probation over?", "Can I carry leave over?"),
    "travel": ("What is the meal allowance in Berlin?", "May I book first class on long trains?"),
    "finance": ("Who approves a purchase of EUR 5,000?", "When are expenses paid out?"),
}
EVERYTHING_KNOWN = [question for questions in KNOWN.values() for question in questions]
UNKNOWN = (
    ("Where can I park my bicycle?", "Is there bicycle parking in the cellar?", "May my bicycle go into the lift?"),
    (
        "Does the company pay for a pet sitter?",
        "Is pet care a benefit here?",
        "Who looks after my pet when I travel?",
    ),
    ("How do I book the studio on floor 3?", "Who may use the recording studio?", "Is the studio free on Fridays?"),
    ("Which charger fits the new laptops?", "Where do I find a spare laptop charger?"),
)
CHANNELS = ("slack", "slack", "slack", "web", "web", "teams")
STEPS = {"retrieve": 190.0, "answerable": 14.0, "select": 40.0, "prompt": 3.0, "generate": 420.0, "guard": 60.0}


@dataclass(frozen=True, slots=True)
class Past:
    """What a test wants to point at. `restricted` is an audit whose source only `hr` may read."""

    restricted: str
    conflict: str
    second: str
    proposed: str


def document(
    session: Any, title: str, text: str, groups: Sequence[str] = ("everyone",), tenant: str = "default"
) -> str:
    row = DocumentRow(
        id=new_id(),
        source_id=documents.register_source(session, tenant, "past", ["everyone"]),
        key=f"{title.lower()}.md",
        tenant=tenant,
        title=title,
        reader_set_id=documents.reader_set(session, tenant, groups),
        content_hash=title,
        text=text,
        chunks=1,
    )
    session.add(row)
    session.flush()
    return row.id


@dataclass(slots=True)
class Happened:
    """One question with its answer, in the made-up past."""

    question: str
    at: datetime
    asker: str = "ines"
    channel: str = "web"
    outcome: Outcome = Outcome.ANSWERED
    text: str = "27 days. [1]"
    confidence: Confidence = Confidence.SURE
    seconds: float = 1.2
    document_id: str | None = None
    title: str = "Leave"
    passage: str = "You have 27 days of leave in a year."
    thumb: Thumb | None = None
    correction_id: str | None = None
    vector: Sequence[float] | None = None
    action: Action = Action.QUOTED
    masked: bool = True


def happen(session: Any, what: Happened, tenant: str = "default") -> tuple[str, str]:
    """The ids of question and answer."""
    question_id, answer_id = new_id(), new_id()
    conversation = ConversationRow(
        id=new_id(), channel=what.channel, key=question_id, tenant=tenant, owner=what.asker, title=what.question[:120]
    )
    session.add(conversation)
    session.flush()
    session.add(
        QuestionRow(
            id=question_id,
            conversation_id=conversation.id,
            channel=what.channel,
            tenant=tenant,
            asker=what.asker,
            text=what.question,
            state=QuestionState.ANSWERED,
            created_at=what.at,
        )
    )
    session.flush()
    factor = what.seconds * 1000 / sum(STEPS.values())
    timings = {name: round(milliseconds * factor, 2) for name, milliseconds in STEPS.items()}
    session.add(
        AnswerRow(
            id=answer_id,
            question_id=question_id,
            stage=Stage.DONE,
            text=what.text,
            outcome=what.outcome,
            confidence=what.confidence,
            masked_question=what.question if what.masked else None,
            masked_text=what.text if what.masked else None,
            model="reader",
            adapter="base" if what.outcome is Outcome.ANSWERED else "",
            timings_ms={**timings, "total": round(what.seconds * 1000, 2)},
            decision={"action": what.action, "rule": "evidence", "notes": []},
            correction_id=what.correction_id,
            created_at=what.at,
            finished_at=what.at + timedelta(seconds=what.seconds),
        )
    )
    session.flush()
    if what.document_id:
        session.add(_source(answer_id, what))
    if what.thumb:
        session.add(FeedbackRow(answer_id=answer_id, person=what.asker, thumb=what.thumb, created_at=what.at))
    if what.vector is not None:
        vector = np.asarray(what.vector, np.float32)
        unit = (vector / np.linalg.norm(vector)).astype("<f4").tobytes()
        session.add(QuestionVectorRow(question_id=question_id, embedder="made-up", vector=unit))
    return question_id, answer_id


def _source(answer_id: str, what: Happened) -> AnswerSourceRow:
    return AnswerSourceRow(
        answer_id=answer_id,
        number=1,
        cited=what.outcome is Outcome.ANSWERED,
        document_id=what.document_id or "",
        chunk_id=f"{what.document_id}:0",
        title=what.title,
        headings=[what.title],
        text=what.passage,
        excerpt=what.passage,
        start=0,
        end=len(what.passage),
        score=0.9,
        bm25=1.0,
        cosine=0.6,
    )


def sample(
    session: Any, answer_id: str, at: datetime, *, topic: str, probability: float, chosen: bool,
    priority: Priority = Priority.SAMPLE,
) -> None:  # fmt: skip
    session.add(
        SampleRow(
            answer_id=answer_id,
            probability=probability,
            draw=0.05,
            chosen=chosen,
            priority=priority,
            topic=topic,
            stratum=f"web:{topic}:sure",
            wanted=probability,
            created_at=at,
        )
    )


def audit(session: Any, answer_id: str, at: datetime, state: AuditState, **columns: Any) -> str:
    row = AuditRow(
        id=new_id(),
        answer_id=answer_id,
        state=state,
        priority=columns.pop("priority", Priority.SAMPLE),
        created_at=at,
        **columns,
    )
    session.add(row)
    session.flush()
    return row.id


def judge(session: Any, audit_id: str, reviewer: str, verdict: Verdict, at: datetime, **columns: Any) -> None:
    session.add(
        VerdictRow(
            audit_id=audit_id,
            reviewer=reviewer,
            origin=Origin.LABEL_STUDIO,
            external_id=new_id(),
            verdict=verdict,
            grounded=columns.pop("grounded", Grounded.GROUNDED),
            submitted_at=at,
            updated_at=at,
            **columns,
        )
    )


def correction(session: Any, answer_id: str, question: str, text: str, state: CorrectionState, **columns: Any) -> str:
    columns.setdefault("suggested_by", "lena@orrenby.example")
    row = CorrectionRow(
        id=new_id(),
        answer_id=answer_id,
        tenant="default",
        question=question,
        text=text,
        state=state,
        suggested_via="review",
        **columns,
    )
    session.add(row)
    session.flush()
    return row.id


# --- a whole past ----------------------------------------------------------------------------------------------------


class Painter:
    """Sixty days in which answers get better; of them the last `days`."""

    def __init__(self, seed: int, now: datetime, days: int) -> None:
        self._days = days
        self._random = random.Random(seed)  # noqa: S311 - made-up figures
        self._now = now
        self._served = ""

    def paint(self, database: Database) -> Past:
        with database.writing() as session:
            leave = document(session, "Parental leave", "Employees get 90 days of paid parental leave.")
            bands = document(session, "Salary bands", "Level 4 earns EUR 61,000 to 74,000 in 2026.", ("hr",))
            self._reviewers(session)
            past = self._people_judge(session, leave, bands)
            for ago in range(self._days, -1, -1):
                self._day(session, ago, leave)
            self._surroundings(session)
        return past

    def _day(self, session: Any, ago: int, leave: str) -> None:
        day = self._now - timedelta(days=ago)
        weekend = day.weekday() > 4
        busy = (26 + (60 - ago) * 0.45) * (0.22 if weekend else 1.0)
        for _ in range(round(busy * self._random.uniform(0.8, 1.2))):
            at = day - timedelta(minutes=self._random.uniform(1, 600))
            self._question(session, at, ago, leave)

    def _question(self, session: Any, at: datetime, ago: int, leave: str) -> None:
        draw, better = self._random.random(), 1 - ago / 75
        topic = self._random.choices(list(KNOWN), (5, 4, 2, 2))[0]
        unanswered = draw < 0.3 - 0.14 * better
        theme = self._random.choices(range(len(UNKNOWN)), (6, 4, 3, 2))[0]
        question = self._random.choice(UNKNOWN[theme] if unanswered else KNOWN[topic])
        failed, served = draw > 0.992, draw > 0.86 and self._random.random() < better * 0.8 and not unanswered
        outcome = Outcome.ABSTAINED if unanswered else Outcome.FAILED if failed else Outcome.ANSWERED
        thumb = self._random.choices((None, Thumb.UP, Thumb.DOWN), (0.78, 0.15 + 0.05 * better, 0.05))[0]
        question_id, answer_id = happen(
            session,
            Happened(
                question,
                at,
                asker=f"person{self._random.randrange(180)}",
                channel=self._random.choice(CHANNELS),
                outcome=outcome,
                text="I don't know." if unanswered else "90 days of paid parental leave. [1]",
                confidence=Confidence.DONT_KNOW if unanswered else Confidence.SURE,
                seconds=math.exp(self._random.gauss(0.05, 0.45)) * (0.2 if served else 1.0),
                document_id=None if unanswered else leave,
                title="Parental leave",
                thumb=None if failed else thumb,
                correction_id=self._served if served and outcome is Outcome.ANSWERED else None,
                vector=self._vector(theme if unanswered else 10 + EVERYTHING_KNOWN.index(question)),
                action=Action.ABSTAINED if unanswered else Action.QUOTED,
            ),
        )
        if self._random.random() < 0.03:
            session.add(EscalationRow(question_id=question_id, asked_by="ines", asked_at=at))
        self._judged(session, answer_id, at, topic, better, flagged=thumb is Thumb.DOWN)

    def _judged(self, session: Any, answer_id: str, at: datetime, topic: str, better: float, *, flagged: bool) -> None:
        probability = 1.0 if flagged else 0.12
        chosen = self._random.random() < probability
        priority = Priority.FLAGGED if flagged else Priority.SAMPLE
        sample(session, answer_id, at, topic=topic, probability=probability, chosen=chosen, priority=priority)
        if not chosen:
            return
        waits = at > self._now - timedelta(days=2)
        right = self._random.random() < (0.25 if flagged else 0.68 + 0.27 * better)
        verdict = Verdict.CORRECT if right else self._random.choice((Verdict.PARTIAL, Verdict.WRONG))
        carried = self._random.random() < (0.55 if flagged else 0.84 + 0.13 * better)
        grounded = Grounded.GROUNDED if carried else Grounded.PARTLY
        state = AuditState.OUT if waits else AuditState.JUDGED
        known = {} if waits else {"verdict": verdict, "grounded": grounded, "judged_at": at + timedelta(hours=9)}
        audit_id = audit(session, answer_id, at, state, priority=priority, **known)
        if waits:
            return
        lead = self._random.uniform(25, 150)
        judge(session, audit_id, "lena@orrenby.example", verdict, at, grounded=grounded, lead_seconds=lead)
        if self._random.random() < 0.2:
            again = verdict if self._random.random() < 0.86 else Verdict.PARTIAL
            judge(session, audit_id, "omar@orrenby.example", again, at, grounded=grounded, lead_seconds=lead)

    def _vector(self, theme: int) -> list[float]:
        vector = [self._random.gauss(0, 0.07) for _ in range(DIMENSION)]
        vector[theme] += 1.0
        return vector

    def _reviewers(self, session: Any) -> None:
        for name in ("lena", "omar"):
            session.add(ReviewerRow(id=f"{name}@orrenby.example", people=[name], invited_by="ops"))
        session.add(ReviewerRow(id="dana@orrenby.example", people=["dev"], invited_by="ops"))

    def _people_judge(self, session: Any, leave: str, bands: str) -> Past:
        at = self._now - timedelta(hours=30)
        asked = Happened("What is the salary band of level 4?", at, document_id=bands, title="Salary bands")
        asked.text, asked.passage = (
            "Level 4 earns **EUR 61,000 to 74,000** in 2026. [1]",
            "Level 4: 61,000 to 74,000.",
        )
        _, restricted = happen(session, asked)
        sample(session, restricted, at, topic="hr", probability=1.0, chosen=True, priority=Priority.URGENT)
        in_house = audit(session, restricted, at, AuditState.WAITING, in_house=True, priority=Priority.URGENT)
        asked = Happened("How long is parental leave for fathers?", at, document_id=leave, title="Parental leave")
        asked.text, asked.passage = (
            "Fathers get **14 days** of parental leave. [1]",
            "Employees get 90 days of paid parental leave, whoever of the parents they are. It may be taken in up to "
            "three parts before the child's third birthday.",
        )
        asked.thumb = Thumb.DOWN
        _, disputed = happen(session, asked)
        sample(session, disputed, at, topic="hr", probability=1.0, chosen=True, priority=Priority.FLAGGED)
        conflict = audit(session, disputed, at, AuditState.CONFLICT, priority=Priority.FLAGGED)
        judge(session, conflict, "lena@orrenby.example", Verdict.WRONG, at)
        judge(session, conflict, "omar@orrenby.example", Verdict.PARTIAL, at)
        _, answered = happen(
            session, Happened("Do I keep my parental leave when I change teams?", at, document_id=leave)
        )
        better = "Yes: the **90 days** are yours, in whichever team you work."
        second = correction(
            session, answered, "Do I keep parental leave when I change teams?", better,
            CorrectionState.NEEDS_SECOND, documents=[leave], topic="hr", approved_by="lena@orrenby.example",
            approved_via="judging", approved_at=at,
            reason="A second person has to confirm it, since its topic is under four eyes.",
        )  # fmt: skip
        proposed = correction(
            session, answered, "May I split my parental leave?", "Yes, into three parts.", CorrectionState.PROPOSED,
            documents=[leave], topic="hr", suggested_by="dev",
        )  # fmt: skip
        self._served = correction(
            session, answered, "How long is parental leave?", "**90 days**, paid.", CorrectionState.APPROVED,
            documents=[leave], topic="hr", approved_by="lena@orrenby.example", approved_via="judging", approved_at=at,
        )  # fmt: skip
        session.add(
            CuratedRow(
                correction_id=self._served,
                tenant="default",
                question="How long is parental leave?",
                text="**90 days**, paid.",
                documents={leave: "x"},
                expires_at=self._now + timedelta(days=150),
                served=214,
            )
        )
        return Past(in_house, conflict, second, proposed)

    def _surroundings(self, session: Any) -> None:
        session.add(
            ObjectiveRow(
                tenant="default",
                text="Resolve 75 % of all questions without a ticket, in under 2 seconds.",
                resolved_share=0.75,
                median_seconds=2.0,
                set_by="dana",
                created_at=self._now - timedelta(days=40),
            )
        )
        session.add(
            AlarmRow(
                key="burst:made-up",
                kind="burst",
                text="Four people have suggested nearly the same better answer about bicycle parking within an hour.",
                raised_at=self._now - timedelta(hours=3),
                seen_at=self._now - timedelta(hours=1),
            )
        )
        for name, megabytes in (("bot", 118), ("worker-answer", 1420), ("worker-deliver", 131), ("worker-review", 96)):
            session.add(
                ProcessRow(
                    id=f"here:{name}",
                    name=name,
                    host="here",
                    pid=1,
                    resident_bytes=megabytes * 1_000_000,
                    seen_at=datetime.now(UTC) + timedelta(hours=1),
                )
            )


def paint(database: Database, seed: int = 7, days: int = 60) -> Past:
    return Painter(seed, datetime.now(UTC) - timedelta(minutes=5), days).paint(database)
