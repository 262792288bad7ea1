"""A made-up installation with rows in every table and every file that must not be lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from answerloop.db import transfer
from answerloop.db.audit_tables import BookmarkRow, GapReportRow, ReceiptRow, ReplacedAnswerRow
from answerloop.db.repositories import arrivals
from answerloop.db.session import Database
from answerloop.db.tables import (
    AnswerRow,
    DeliveryRow,
    DocumentRow,
    EscalationRow,
    InstallationRow,
    NoticeRow,
    OutboxRow,
    PlaceRow,
    ProcessRow,
    QuestionRow,
    RoomRow,
    SignInStateRow,
    SourceRow,
    now,
)
from answerloop.db.training_tables import DatasetSourceRow, TestQuestionRow, TestVersionRow
from answerloop.domain import InboundQuestion
from answerloop.moving import files
from answerloop.moving.archive import Manifest
from answerloop.moving.arriving import Arrived, import_state
from answerloop.moving.leaving import Progress, export_state
from answerloop.settings import Settings, StateFolder
from answerloop.testing import past
from answerloop.testing.past_nights import paint_nights

STRANGE = "Zoë \u202e 🏝 \u2028 'quoted' \\ \"twice\" \r\n\t\ufffd \U0010fffd"
EASTERN = datetime(2026, 3, 29, 2, 30, 0, 123456, UTC)


def paint_state(database: Database, days: int = 3) -> str:
    """The id of a question that waits for its answer."""
    past.paint(database, days=days)
    paint_nights(database)
    with database.writing() as session:
        for question in session.query(QuestionRow):
            session.add(DeliveryRow(question_id=question.id, channel=question.channel, address={}, delivered_at=now()))
        asked = InboundQuestion("web", "default", "zoë", "c1", STRANGE, ("k1",))
        [accepted] = arrivals.record(session, [asked])
        answer = session.query(AnswerRow).filter(AnswerRow.outcome.is_not(None)).first()
        document = session.query(DocumentRow).first()
        assert answer is not None
        assert document is not None
        document.text = STRANGE
        answer.scores = {"sum": 0.1 + 0.2, "least": 5e-324, "most": 1.7976931348623157e308, "big": 2**80, "none": None}
        session.query(ProcessRow).delete()  # they live, in the made-up past
        session.add_all(_rows(answer, document))
    return accepted.question_id


def _rows(answer: AnswerRow, document: DocumentRow) -> list[object]:
    return [
        SourceRow(tenant="zoë", location="/srv/händbook", allow=["hr"], trusted=False, synced_at=EASTERN),
        NoticeRow(key="n", kind="reminder", channel="web", address={"to": STRANGE}, people=["zoë"], due_at=EASTERN),
        EscalationRow(question_id=answer.question_id, asked_by="zoë", resolved_at=None),
        RoomRow(room="slack:T1:C1", settings={"sources": [STRANGE]}, updated_by="zoë"),
        InstallationRow(workspace="slack:T1", channel="slack", bot_user="U1", secret=bytes(range(256))),
        PlaceRow(id="teams:1", channel="teams", data={}, gone_at=EASTERN),
        SignInStateRow(state="s" * 64),
        OutboxRow(task="answer.correct", queue="deliver", args=[answer.id, 1, None, 0.5], not_before=EASTERN),
        ReplacedAnswerRow(
            answer_id=answer.id,
            text="",
            outcome=None,
            confidence=None,
            decision={},
            sources=[{"document_id": "gone", "cited": True, "text": STRANGE}],
        ),
        BookmarkRow(name="sampling", position="", details={"seed": "abc"}, lease_until=None),
        GapReportRow(tenant="default", since=EASTERN, until=EASTERN, themes=[]),
        ReceiptRow(kind="retention", subject="0" * 64, counts={"questions": 1}, finished_at=EASTERN),
        DatasetSourceRow(dataset="d" * 64, kind="document", ref=document.id),
        TestVersionRow(version=41, reason=STRANGE),
        TestQuestionRow(id="t1", tenant="default", family="f", answer_id=answer.id, row={"q": STRANGE}, since=41),
    ]


def paint_files(state: StateFolder) -> None:
    """Made-up ones: no adapter could be loaded."""
    content = {
        state.session_key: b"s" * 32,
        state.receipt_key: b"r" * 32,
        state.adapters / "20261101-aa" / "adapter_model.safetensors": bytes(range(256)) * 5000,
        state.adapters / "20261101-aa" / "manifest.json": b"{}",
        state.adapters / "serving.json": b'{"live": "20261101-aa"}',
        state.datasets / ("d" * 64) / "train.jsonl": b"",
        state.label_studio / "secrets.json": b"{}",
        state.label_studio / "complete": b"",
        state.label_studio / "data" / "media" / "export" / "one.json": b"[]",
        # and what is none of the state
        state.adapters / ".lock": b"",
        state.index / "default" / "table.lance": b"x",
        state.logs / "bot.log": b"x",
        state.broker / "valkey.conf": b"x",
        state.training / "runs" / "1" / "checkpoints" / "1" / "state.json": b"x",
        state.label_studio / "venv" / "bin" / "label-studio": b"x",
    }
    for path, data in content.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def every_line(database: Database) -> dict[str, list[bytes]]:
    """All rows, by table."""
    with database.snapshot() as connection:
        return {name: list(transfer.lines(connection, name)) for name in transfer.names()}


def silent(_done: int, _total: int, _table: str) -> None:
    """Progress that nobody watches."""


class House:
    """An installation without processes."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.settings = Settings(_env_file=None, home=home, **settings)  # type: ignore[call-arg,arg-type]
        self.state = self.settings.state
        self.database = Database(self.settings.effective_database_url)

    def leave(self, archive: Path, *, live: bool = False, progress: Progress = silent) -> Manifest:
        return export_state(self.settings, self.database, archive, progress, live=live)

    def arrive(self, archive: Path, moved: Mapping[str, str] | None = None) -> Arrived:
        return import_state(self.settings, self.database, archive, silent, moved or {})

    def files(self) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in files.found(self.state).items()}

    def is_empty(self) -> bool:
        if self.database.version() is None:
            return not files.found(self.state)
        with self.database.reading() as session:
            return not transfer.filled(session) and not files.found(self.state)
