"""A whole installation in one process, and everything it shows to people: the surfaces of the audience matrix.

A new surface is one more method, named below the class; it returns all that these readers were told.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import combinations
from pathlib import Path

from fastapi.testclient import TestClient

from answerloop.backends.generator_extractive import ExtractiveGenerator
from answerloop.backends.groundedness_mixed import MixedGroundednessDetector
from answerloop.db.repositories import documents
from answerloop.db.session import Database
from answerloop.domain import AnswerDraft, Audience, Chunk, Person
from answerloop.heartbeat import Heartbeat
from answerloop.ports import DocumentIndex, GenerationRequest, IndexQuery
from answerloop.settings import Settings
from answerloop.testing.audience import ELSEWHERE, HOME, TOPICS, Company, Page, Readers, Shown
from answerloop.testing.corrections import approve
from answerloop.testing.fakes import FakeEmbedder, FakeGenerator, FakeRedactor, FakeTaskQueue
from bot.feedback import FeedbackBox
from bot.intake import Intake
from bot.web.app import create_app
from workers.answering.curated import CuratedAnswers
from workers.answering.desk import AnswerDesk
from workers.answering.guard import Guard
from workers.answering.pipeline import Asked, Limits, Pipeline, Show
from workers.answering.retrieve import Retriever
from workers.answering.safety import Triage
from workers.answering.speakers import Speaker, always
from workers.indexing.sync import Indexer

PROXY = "10.0.0.7"
LEASE = timedelta(minutes=1)
QUESTION = f"What are the rules about {', '.join(TOPICS)}?"
FOLLOW_UP = "And what else about them?"
MANY = 20


class LateWrites:
    """An index that hears of changes only when it catches up: until then it says what it said before."""

    def __init__(self, index: DocumentIndex) -> None:
        self._index = index
        self._late: list[Callable[[], None]] = []

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        self._late.append(partial(self._index.replace_documents, tenant, chunks))

    def update_access(self, tenant: str, document_id: str, *, reader_set: int, superseded: bool) -> None:
        write = partial(self._index.update_access, tenant, document_id, reader_set=reader_set, superseded=superseded)
        self._late.append(write)

    def refresh(self, tenant: str) -> None:
        self._late.append(partial(self._index.refresh, tenant))

    def catch_up(self) -> None:
        for write in self._late:
            write()
        self._late.clear()


class RecordingPipeline(Pipeline):
    """Remembers what it was asked, history and all."""

    last: Asked

    def answer(self, asked: Asked, show: Show) -> AnswerDraft:
        self.last = asked
        return super().answer(asked, show)


class House:
    def __init__(self, folder: Path, database: Database, index: DocumentIndex) -> None:
        self.company = Company((), ())
        self.document_ids: dict[str, str] = {}
        self.conversations: dict[str, str] = {}
        self.meanwhile: Callable[[], object] = lambda: None
        """Happens while an answer is being written."""
        self.database = database
        self.folder = folder
        self._index = index
        self.late = LateWrites(index)
        self._embedder = FakeEmbedder()
        self._retriever = Retriever(index, self._embedder, database, passages=MANY)
        self.generator = FakeGenerator(self._speak)
        self.answering, self._abstaining = self._pipeline(0.0), self._pipeline(1.1)
        self._curated = CuratedAnswers(database, self._embedder, 0.0)
        self._approved: set[tuple[str, ...]] = set()
        queue = FakeTaskQueue()
        self._desk = AnswerDesk(
            database, queue, self.answering, self, Heartbeat(database, "house", 60), LEASE, 3, FakeRedactor()
        )
        settings = Settings(_env_file=None, home=folder, identity_header="X-User", trusted_proxies=(PROXY,))
        self._app = create_app(
            settings, database, Intake(database, queue, 1000, 100), FeedbackBox(database), self, dict, lambda: (b"", "")
        )

    def _speak(self, request: GenerationRequest) -> str:
        self.meanwhile()
        return request.evidence[0].text

    def _pipeline(self, threshold: float) -> RecordingPipeline:
        guard = Guard(MixedGroundednessDetector(), 0.6)
        limits = Limits(threshold, threshold, max_new_tokens=64, deadline_seconds=5.0)
        speaker_for = always(Speaker(self.generator))
        return RecordingPipeline(self._retriever, speaker_for, ExtractiveGenerator(), guard, limits, Triage())

    def person(self, person_id: str) -> Person:
        """We are the directory."""
        return self.company.person(person_id)

    def becomes(self, company: Company) -> None:
        """Write the company's documents of this day and read them in. The index is late until `late.catch_up()`."""
        indexer = Indexer(self.database, self.late, self._embedder, chunk_tokens=64, max_document_bytes=10_000)  # type: ignore[arg-type]
        self.company = company
        there: dict[str, str] = {}
        for tenant in (HOME, ELSEWHERE):
            folder = self.folder / "documents" / tenant
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for page in company.pages:
                if page.tenant == tenant:
                    (folder / f"{page.topic}.md").write_text(page.markdown())
            source = indexer.register(folder, tenant, ())
            indexer.sync(source)
            with self.database.reading() as session:
                rows = documents.of_source(session, source).values()
                there |= {row.key.removesuffix(".md"): row.id for row in rows}
        self.document_ids |= there
        self._approve(there)

    def _approve(self, there: dict[str, str]) -> None:
        """Of each document, and of every two of a tenant, somebody has approved an answer that tells their secrets."""
        for pages in _alone_and_in_pairs([page for page in self.company.pages if page.topic in there]):
            ids = tuple(there[page.topic] for page in pages)
            if ids not in self._approved:
                self._approved.add(ids)
                secrets = " and ".join(page.secret for page in pages)
                approve(self.database, pages[0].tenant, _about(pages), f"The rule is {secrets}.", ids)

    def _topics(self, document_ids: Sequence[str]) -> frozenset[str]:
        names = {document_id: topic for topic, document_id in self.document_ids.items()}
        return frozenset(names.get(document_id, document_id) for document_id in document_ids)

    # --- surfaces for any audience

    def index(self, readers: Readers) -> Iterator[Shown]:
        audience = Audience.of(readers.tenant, readers.people)
        with self.database.reading() as session:
            sets = documents.readable_sets(session, audience)
        hits = self._index.search(IndexQuery(readers.tenant, QUESTION, self._embedder.embed([QUESTION])[0], sets))
        yield Shown("index", readers, repr(hits), self._topics([hit.chunk.document_id for hit in hits]))

    def retrieval(self, readers: Readers) -> Iterator[Shown]:
        found = self._retriever.retrieve(QUESTION, (), Audience.of(readers.tenant, readers.people))
        topics = self._topics([passage.document_id for passage in found.passages])
        yield Shown("retrieval", readers, repr(found), topics)

    def answer(self, readers: Readers) -> Iterator[Shown]:
        yield self._answer("answer", self.answering, readers)

    def abstention(self, readers: Readers) -> Iterator[Shown]:
        yield self._answer("abstention and nearest documents", self._abstaining, readers)

    def _answer(self, name: str, pipeline: Pipeline, readers: Readers) -> Shown:
        """The draft, every step on the way, and the prompt."""
        steps: list[object] = []
        self.generator.requests.clear()
        asked = Asked(QUESTION, (), Audience.of(readers.tenant, readers.people))
        draft = pipeline.answer(asked, lambda stage, text="", sources=None: steps.append((stage, text, sources)))
        told = repr((draft, steps, self.generator.requests))
        whole = pipeline is self.answering
        topics = self._topics([source.passage.document_id for source in draft.sources])
        return Shown(name, readers, told, topics if whole else None)

    def approved(self, readers: Readers) -> Iterator[Shown]:
        """What was approved, asked for in the very words."""
        told, given = [], set()
        for pages in _alone_and_in_pairs(self.company.pages):
            asked = Asked(_about(pages), (), Audience.of(readers.tenant, readers.people))
            draft = self._curated.find(asked)
            if draft is not None:
                told.append(draft)
                given |= {frozenset(page.topic for page in pages)}
        findable = self.company.findable(readers)
        alone = frozenset(topic for topics in given if len(topics) == 1 for topic in topics)
        assert {topics for topics in given if len(topics) > 1} == {
            frozenset(pair) for pair in combinations(sorted(alone), 2)
        }, "an answer on two documents is given to whoever may read both"
        assert alone <= findable, f"approved answers on {set(alone)} for those who find {findable}"
        yield Shown("approved answers", readers, repr(told), alone)

    # --- surfaces of the web chat, for one person of this tenant

    def web_chat(self, readers: Readers) -> Iterator[Shown]:
        """A question and its answer; on the next day a follow-up in the same conversation."""
        person, client = readers.people[0].id, self._client(readers)
        known = self.conversations.get(person)
        body = {"text": FOLLOW_UP if known else QUESTION, "conversation": known}
        asked = client.post("/api/chat/questions", json=body).json()
        self.conversations[person] = asked["conversation_id"]
        self.generator.requests.clear()
        self._desk.answer(asked["question_id"])
        yield Shown("web: history and prompt", readers, repr((self.answering.last, self.generator.requests)))
        path = f"/api/chat/questions/{asked['question_id']}"
        snapshot = client.get(path)
        ids = [source["href"].split("/")[2].split("?")[0] for source in snapshot.json()["sources"]]
        yield Shown("web: snapshot", readers, snapshot.text, self._topics(ids))
        yield Shown("web: events", readers, client.get(f"{path}/events").text)

    def old_answers(self, readers: Readers) -> Iterator[Shown]:
        """What was answered before, read again now."""
        kept = self.conversations.get(readers.people[0].id)
        if kept:
            client = self._client(readers)
            conversation = client.get(f"/api/chat/conversations/{kept}")
            yield Shown("old answer: conversation", readers, conversation.text)
            path = f"/api/chat/questions/{conversation.json()['questions'][0]['question_id']}"
            yield Shown("old answer: snapshot", readers, client.get(path).text)
            yield Shown("old answer: events", readers, client.get(f"{path}/events").text)

    def document_page(self, readers: Readers) -> Iterator[Shown]:
        """All pages together; there is no page of a document that is not there or not to be read."""
        client = self._client(readers)
        pages = {topic: client.get(f"/documents/{self.document_ids[topic]}") for topic in self.document_ids}
        opened = {topic for topic, page in pages.items() if page.status_code == 200}
        assert opened == self.company.readable(readers)
        yield Shown("document page", readers, "".join(page.text for page in pages.values()))

    def _client(self, readers: Readers) -> TestClient:
        person = readers.people[0].id
        return TestClient(
            self._app, base_url="http://127.0.0.1:8000", client=(PROXY, 50000), headers={"X-User": person}
        )


def _alone_and_in_pairs(pages: Sequence[Page]) -> Iterator[tuple[Page, ...]]:
    yield from ((page,) for page in pages)
    yield from (pair for pair in combinations(pages, 2) if pair[0].tenant == pair[1].tenant)


def _about(pages: Sequence[Page]) -> str:
    return f"What is the rule of {' and '.join(page.topic for page in pages)}?"


Surface = Callable[[House, Readers], Iterator[Shown]]
FOR_ANY_AUDIENCE: tuple[Surface, ...] = (House.index, House.retrieval, House.answer, House.abstention, House.approved)
CHECKED_AFTERWARDS: tuple[Surface, ...] = (
    *(House.retrieval, House.answer, House.abstention, House.approved),
    *(House.old_answers, House.document_page, House.web_chat),
)
"""Those that hide also what the index alone would still tell; the last three are for one person of the web chat."""
