"""An installation moves from one machine to servers and back, and answers on as if nothing had been."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.db.repositories import adapters, arrivals, documents
from answerloop.db.tables import DocumentRow, OutboxRow
from answerloop.db.training_tables import TrainingRunRow
from answerloop.domain import InboundQuestion
from answerloop.settings import StateFolder
from answerloop.testing.adapter_suite import take_in, trained
from answerloop.testing.corrections import approve
from answerloop.testing.installation import RunningInstallation
from answerloop.testing.installation_on_servers import InstallationOnServers
from answerloop.testing.servers import PostgresServer, RedisServer

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

ASKED = "How many days of parental leave do I get?"
CORRECTED, BETTER = "Who pays for a broken monitor at home?", "The workplace team does, out of its own budget."
WAITING = "How many days of annual leave do I have?"
AFTERWARDS = "How do I get onto the VPN from home?"


def command(installation: RunningInstallation, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "answerloop", *arguments], env=installation.environment, cwd=installation.home.parent,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())


class Journey:
    """`asked` are questions with their answers; `waiting` was taken in and never answered, nor is its job anywhere."""

    def __init__(self, first: RunningInstallation) -> None:
        self.here = first
        self.archive = 0
        self.asked: dict[str, str] = {}
        self.waiting = ""

    def live(self) -> None:
        """A question, an approved correction, an adapter, and a question that waits when everything stops."""
        self.here.start()
        self.ask(ASKED)
        with self.here.database.reading() as session:
            self.documents = documents.count(session)
            document = session.query(DocumentRow).filter(DocumentRow.title.contains("VPN")).first()
        assert document is not None
        approve(self.here.database, "default", CORRECTED, BETTER, [document.id])
        store = FolderAdapterStore(StateFolder(self.here.home).adapters)
        self.manifest = take_in(store, "night-1", trained(self.here.home.parent / "trained"))
        with self.here.database.writing() as session:
            session.add(TrainingRunRow(id="run-1"))
            session.flush()
            adapters.register(session, "night-1", run="run-1", dataset="abc", base_model="tiny")
        assert self.here.stop() == 0
        with self.here.database.writing() as session:
            inbound = InboundQuestion("web", "default", "dev", "thread", WAITING, ("key",))
            [accepted] = arrivals.record(session, [inbound])
            session.query(OutboxRow).delete()
        self.waiting = accepted.question_id

    def ask(self, text: str) -> str:
        question = self.here.ask(text)
        self.asked[question] = self.here.answer(question)["text"]
        return self.asked[question]

    def move_to(self, there: RunningInstallation) -> None:
        self.archive += 1
        archive = str(self.here.home.parent / f"state-{self.archive}.tar")
        code, said = command(self.here, "export-state", archive)
        assert code == 0, said
        code, said = command(self.here, "up")
        assert (code, "was exported at" in said) == (4, True), said
        code, said = command(there, "import-state", archive)
        assert code == 0, said
        assert "answerloop ingest --rebuild --tenant default" in said
        code, said = command(there, "ingest", "--rebuild", "--tenant", "default")
        assert code == 0, said
        there.start()
        self.here = there

    def nothing_is_lost(self) -> None:
        for question, text in self.asked.items():
            assert self.here.snapshot(question)["text"] == text
        assert self.here.answer(self.waiting, 90)["text"]
        assert BETTER in self.ask(CORRECTED)
        store = FolderAdapterStore(StateFolder(self.here.home).adapters)
        assert store.manifest("night-1") == self.manifest
        with self.here.database.reading() as session:
            assert adapters.get(session, "night-1").run == "run-1"
            assert documents.count(session) == self.documents
        answer = self.here.answer(self.here.ask(AFTERWARDS))
        assert [source for source in answer["sources"] if source["cited"]]


def test_from_one_machine_to_servers_and_back_to_another_machine(tmp_path: Path, few_documents: Path):
    with RedisServer() as redis, PostgresServer() as postgres:
        first, last = (RunningInstallation(tmp_path / name, few_documents) for name in ("first", "last"))
        production = InstallationOnServers(tmp_path / "production", few_documents, redis, postgres)
        journey = Journey(first)
        try:
            journey.live()
            journey.move_to(production)
            journey.nothing_is_lost()
            assert production.stop() == 0
            journey.move_to(last)
            journey.nothing_is_lost()
        finally:
            if journey.here.is_running():
                journey.here.stop()
            for installation in (first, production, last):
                installation.database.dispose()
