"""An installation with trained adapters, and conversations that fare well or badly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.db.audit_tables import AuditRow, SampleRow
from answerloop.db.repositories import adapters
from answerloop.db.session import Database
from answerloop.db.tables import AnswerRow, ConversationRow, FeedbackRow, QuestionRow, new_id, now
from answerloop.db.training_tables import AdapterRow, TrainingRunRow
from answerloop.domain import Serving
from answerloop.testing.adapter_suite import trained
from workers.training.promote import Promotion


class House:
    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.store = FolderAdapterStore(folder / "adapters")
        self.promotion = Promotion(database, self.store)
        with database.writing() as session:
            session.add(TrainingRunRow(id="run"))

    def take_in(self, *names: str) -> None:
        for number, name in enumerate(names):
            out = self.folder / f"out-{name}"
            if not out.exists():
                trained(out, float(number))
            self.promotion.take_in(name, out, run="run", dataset="data", base_model="tiny")

    def states(self) -> dict[str, str]:
        with self.database.reading() as session:
            return {each.name: each.state.value for each in adapters.everyone(session)}

    def taint(self, name: str) -> None:
        with self.database.writing() as session:
            row = session.get_one(AdapterRow, name)
            row.tainted_at, row.tainted_because = now(), "a person was erased"

    def conversations(self, serving: Serving, count: int, drawn: bool) -> list[str]:
        """Ids of conversations that hear the canary, or that do not."""
        found: list[str] = []
        while len(found) < count:
            conversation = new_id()
            if (serving.adapter_for(conversation) == serving.canary) is drawn:
                found.append(conversation)
        return found

    def answered(
        self,
        conversations: Sequence[str],
        adapter: str,
        *,
        thumbs: Sequence[str | None] = (),
        verdicts: Sequence[str | None] = (),
        grounded: float = 0.95,
        seconds: float = 1.0,
        flags: Sequence[str] = (),
        model: str = "tiny",
        at: datetime | None = None,
    ) -> None:
        """One answer for each conversation."""
        at = at or now() + timedelta(seconds=1)
        with self.database.writing() as session:
            for place, conversation in enumerate(conversations):
                if session.get(ConversationRow, conversation) is None:
                    session.add(
                        ConversationRow(
                            id=conversation, channel="web", key=conversation, tenant="t", owner="ada", title="?"
                        )
                    )
                    session.flush()
                question = QuestionRow(
                    id=new_id(),
                    conversation_id=conversation,
                    channel="web",
                    tenant="t",
                    asker="ada",
                    text="?",
                    state="answered",
                    created_at=at,
                )
                answer = AnswerRow(
                    id=new_id(),
                    question_id=question.id,
                    adapter=adapter,
                    model=model,
                    finished_at=at + timedelta(milliseconds=place),
                    scores={"grounded": grounded},
                    timings_ms={"total": 1000 * seconds},
                )
                session.add(question)
                session.flush()
                session.add(answer)
                session.flush()
                if place < len(thumbs) and thumbs[place]:
                    session.add(FeedbackRow(answer_id=answer.id, person="ada", thumb=thumbs[place]))
                if place < len(verdicts) and verdicts[place]:
                    session.add(_sample(answer.id, flags))
                    session.add(AuditRow(answer_id=answer.id, verdict=verdicts[place], judged_at=at, priority="sample"))


def _sample(answer_id: str, flags: Sequence[str]) -> SampleRow:
    return SampleRow(
        answer_id=answer_id,
        probability=1.0,
        draw=0.1,
        chosen=True,
        priority="sample",
        topic="",
        stratum="",
        wanted=1.0,
        flags=list(flags),
    )
