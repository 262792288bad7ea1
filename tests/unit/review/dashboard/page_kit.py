"""The dashboard on a real database, without processes; clicks on corrections are remembered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from answerloop.db.session import Database
from answerloop.domain import Person
from answerloop.errors import NotAllowed
from answerloop.settings import Settings
from answerloop.testing.fakes import FakeTaskQueue
from answerloop.testing.past import Past
from review.dashboard.app import create_app
from review.gaps import Gaps
from tests.unit.review.test_gaps import FakeNotifier

HERE = "http://127.0.0.1:8001"
PROXY = "10.0.0.7"
STAFF = {"everyone", "public"}
PEOPLE = {
    "olga": {*STAFF, "operators"},
    "rita": {*STAFF, "reviewers"},
    "hana": {*STAFF, "reviewers", "hr"},
    "ines": {*STAFF, "reviewers", "hr"},
    "emil": STAFF,
}


class Office:
    """A directory that knows e-mail addresses."""

    def person(self, person_id: str) -> Person:
        groups = PEOPLE.get(person_id, set())
        return Person(person_id, person_id.title(), frozenset(groups), "default", f"{person_id}@orrenby.example")

    def members(self, room: str) -> tuple[Person, ...]:
        return ()


class FakeClicks:
    def __init__(self) -> None:
        self.clicks: list[tuple[str, ...]] = []
        self.refuses = ""

    def confirm(self, correction_id: str, person: str) -> None:
        if self.refuses:
            raise NotAllowed(self.refuses)
        self.clicks.append(("confirm", correction_id, person))

    def reject(self, correction_id: str, person: str, reason: str) -> None:
        self.clicks.append(("reject", correction_id, person, reason))


class PageKit:
    def __init__(self, database: Database, past: Past, home: Path, **settings: Any) -> None:
        self.database = database
        self.past = past
        self.queue = FakeTaskQueue()
        self.clicks = FakeClicks()
        self.settings = Settings(_env_file=None, home=home, **settings)
        gaps = Gaps(database, FakeNotifier(), "default")
        self.serving: dict[str, Any] = {"live": None}
        self.app = create_app(
            self.settings, database, self.queue, Office(), self.clicks, gaps, lambda: (b"figures 1\n", "text/plain"),
            serving=lambda: self.serving,
        )  # fmt: skip

    def client(self, person: str = "", peer: str = PROXY, **headers: str) -> TestClient:
        named = {"X-User": person} if person else {}
        return TestClient(
            self.app,
            base_url=HERE,
            client=(peer, 50000),
            headers={"Accept": "text/html", "Origin": HERE, **named, **headers},
            follow_redirects=False,
            raise_server_exceptions=False,
        )


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
