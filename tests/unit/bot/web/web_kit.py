"""The web chat on a real database, without a worker: tests write the answers themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from answerloop.db.repositories import answers, documents, questions
from answerloop.db.session import Database
from answerloop.db.tables import DocumentRow
from answerloop.domain import (
    Action,
    AnswerDraft,
    CitedSource,
    Confidence,
    Decision,
    Outcome,
    Passage,
    Stage,
    Usage,
)
from answerloop.settings import Settings
from answerloop.testing.fakes import FakeDirectory, FakeTaskQueue
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web.app import create_app

LEASE = timedelta(minutes=1)
QUOTED = Decision(Action.QUOTED, "evidence")
ADA, BOB = "ada", "bob"
PROXY = "10.0.0.7"
HERE = "http://127.0.0.1:8000"


class WebKit:
    def __init__(self, database: Database, home: Path, **settings: Any) -> None:
        self.database = database
        self.checks = {"database": "ok"}
        self.settings = Settings(_env_file=None, home=home, human_contact="help@example.com", **settings)
        self.directory = FakeDirectory({ADA: frozenset({"everyone", "hr"}), BOB: frozenset({"everyone"})})
        self.app = create_app(
            self.settings,
            database,
            Intake(database, FakeTaskQueue(), 200, 1000),
            FeedbackBox(database),
            self.directory,
            lambda: self.checks,
            lambda: (b"questions 1\n", "text/plain"),
        )

    def client(self, peer: str = "127.0.0.1", http_version: str = "1.1", **headers: str) -> TestClient:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope, "http_version": http_version}, receive, send)

        return TestClient(
            app,
            base_url=HERE,
            client=(peer, 50000),
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def as_person(self, person: str) -> TestClient:
        """Through the company's sign-in; only for a kit with `identity_header` and `trusted_proxies`."""
        return self.client(PROXY, **{"X-User": person})

    def answer(
        self,
        question_id: str,
        text: str = "27 days. [1]",
        sources: tuple[CitedSource, ...] = (),
        decision: Decision = QUOTED,
    ) -> None:
        with self.database.writing() as session:
            claim = questions.claim(session, question_id, LEASE)
            draft = AnswerDraft(
                text=text,
                outcome=Outcome.ANSWERED,
                confidence=Confidence.SURE,
                sources=sources,
                model="tiny",
                usage=Usage("base", 1, 1),
                index_version="v1",
                timings_ms={"total": 12.0},
                scores={},
                reason="",
                decision=decision,
            )
            answers.finish(session, claim, LEASE, draft)

    def progress(self, question_id: str, stage: Stage) -> None:
        with self.database.writing() as session:
            answers.progress(session, questions.claim(session, question_id, LEASE), LEASE, stage=stage)

    def document(self, text: str, groups: tuple[str, ...] = ("everyone",), **columns: Any) -> str:
        with self.database.writing() as session:
            row = DocumentRow(
                source_id=documents.register_source(session, "default", "handbook", ["everyone"]),
                key=text[:40],
                tenant="default",
                title=columns.pop("title", "Leave"),
                reader_set_id=documents.reader_set(session, "default", groups),
                content_hash="0",
                text=text,
                chunks=1,
                modified_at=datetime(2026, 1, 12, tzinfo=UTC),
                **columns,
            )
            session.add(row)
            session.flush()
            return row.id


def signed_in_by_proxy(database: Database, home: Path, **settings: Any) -> WebKit:
    return WebKit(database, home, identity_header="X-User", trusted_proxies=(PROXY,), **settings)


def source(
    document_id: str,
    number: int = 1,
    url: str | None = "https://example.com/leave",
    text: str = "## Entitlement\n\nYou have **27 days** of [leave](https://example.com).",
    cited: bool = True,
) -> CitedSource:
    passage = Passage(
        document_id=document_id,
        chunk_id="c1",
        title="Leave",
        headings=("Leave", "Entitlement"),
        text=text,
        excerpt=text,
        start=10,
        end=70,
        url=url,
        modified_at=datetime(2026, 1, 12, tzinfo=UTC),
        score=0.9,
        bm25=1.0,
        cosine=0.5,
    )
    return CitedSource(number, passage, cited)
