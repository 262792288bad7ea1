"""Deterministic stand-ins for the ports: small classes with a memory, no mocks."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from answerloop import placeholders
from answerloop.domain import (
    Chunk,
    Finding,
    Hit,
    Message,
    Person,
    PersonalDataType,
    Usage,
    Vector,
)
from answerloop.errors import GeneratorUnavailable, IndexMismatch, QueueUnavailable
from answerloop.exact_recognisers import ExactRecognisers, without_overlaps
from answerloop.placeholders import Masked, Placeholders
from answerloop.ports import Completion, GenerationRequest, IndexQuery, Job
from answerloop.text import content_words, search_words, spellings


class FakeTaskQueue:
    """Remembers the jobs. `down` makes it refuse them."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.down = False

    def send(self, job: Job) -> None:
        if self.down:
            raise QueueUnavailable("the fake broker is down")
        self.jobs.append(job)

    def depths(self) -> Mapping[str, int]:
        if self.down:
            raise QueueUnavailable("the fake broker is down")
        return Counter(job.queue for job in self.jobs)


class FakeNotifier:
    """Remembers the reports."""

    def __init__(self) -> None:
        self.reports: dict[str, str] = {}

    def report(self, key: str, text: str) -> None:
        self.reports.setdefault(key, text)


class FakeEmbedder:
    """A bag of hashed stems: texts that share words are near each other."""

    name = "fake-embedder"
    max_tokens = 256

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = dimension

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def embed(self, texts: Sequence[str]) -> Vector:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for number, text in enumerate(texts):
            for word in content_words(text) or ["nothing"]:
                digest = hashlib.sha256(word.encode()).digest()
                rows[number, int.from_bytes(digest[:4], "little") % self.dimension] += 1.0
            rows[number] /= np.linalg.norm(rows[number])
        return rows


class FakeDocumentIndex:
    """Chunks in memory. Its lexical score is the number of words that question and chunk share."""

    def __init__(self, dimension: int = 64, serving: FakeDocumentIndex | None = None) -> None:
        self._dimension = dimension
        self._serving = serving
        self._rebuilt: FakeDocumentIndex | None = None
        self._documents: defaultdict[str, dict[str, list[Chunk]]] = defaultdict(dict)
        self._writes = 0

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        self._writes += 1
        self._documents[tenant] |= {document: list(parts) for document, parts in chunks.items()}

    def update_access(self, tenant: str, document_id: str, *, reader_set: int, superseded: bool) -> None:
        chunks = self._documents[tenant].get(document_id, [])
        changed = [replace(chunk, reader_set=reader_set, superseded=superseded) for chunk in chunks]
        self.replace_documents(tenant, {document_id: changed})

    def search(self, query: IndexQuery) -> list[Hit]:
        if query.vector.shape != (self._dimension,):
            raise IndexMismatch(f"The query vector has shape {query.vector.shape}, not ({self._dimension},).")
        asked = set(content_words(" ".join(search_words(query.text))))
        hits = [
            Hit(chunk, float(len(asked & set(_words_of(chunk)))), float(chunk.vector @ query.vector))
            for chunks in self._documents[query.tenant].values()
            for chunk in chunks
            if chunk.reader_set in query.reader_sets and not chunk.superseded
        ]
        near = sorted(hits, key=lambda hit: -hit.cosine)[: query.limit]
        worded = sorted((hit for hit in hits if hit.bm25), key=lambda hit: -hit.bm25)[: query.limit]
        return list({hit.chunk.id: hit for hit in [*near, *worded]}.values())

    def refresh(self, tenant: str) -> None:
        """There is nothing to tidy up."""

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> FakeDocumentIndex:
        if not (resume and self._rebuilt is not None):
            self._rebuilt = FakeDocumentIndex(self._dimension, serving=self)
        return self._rebuilt

    def publish(self, tenant: str) -> None:
        assert self._serving is not None, "only a rebuilt generation can be published"
        self._serving._documents[tenant] = self._documents[tenant]
        self._serving._writes += 1
        self._serving._rebuilt = None

    def count(self, tenant: str) -> int:
        return sum(map(len, self._documents[tenant].values()))

    def version(self, tenant: str) -> str:
        return f"fake@{self._writes}"

    def export(self, tenant: str) -> Iterator[tuple[str, Sequence[Chunk]]]:
        yield from ((document, chunks) for document, chunks in self._documents[tenant].items() if chunks)

    def close(self) -> None:
        """There is nothing to let go of."""


def _words_of(chunk: Chunk) -> list[str]:
    written = " ".join((chunk.title, *chunk.headings, chunk.text))
    return content_words(" ".join((written, *spellings(written))))


class FakeReranker:
    """Finds that a passage answers any question when it holds one word, and remembers what it read."""

    name = "fake-reranker"

    def __init__(self, word: str) -> None:
        self._word = word
        self.read: list[str] = []

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        self.read.extend(passages)
        return [0.9 if self._word in passage else 0.1 for passage in passages]


class FakeGenerator:
    """Says what `speak` returns for a request, in pieces of three characters; raises it when it is an exception."""

    name = "fake-generator"

    def __init__(self, speak: Callable[[GenerationRequest], str | Exception], window: int = 2048) -> None:
        self._speak = speak
        self.window = window
        self.requests: list[GenerationRequest] = []
        self.preferred: list[str | None] = []

    def prefer(self, adapter: str | None) -> None:
        self.preferred.append(adapter)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)

    def generate(self, request: GenerationRequest) -> Completion:
        self.requests.append(request)
        completion = Completion(pieces=())
        completion.pieces = self._pieces(request, completion)
        return completion

    def _pieces(self, request: GenerationRequest, completion: Completion) -> Iterator[str]:
        said = self._speak(request)
        if isinstance(said, Exception):
            raise GeneratorUnavailable(str(said)) from said
        yield from (said[start : start + 3] for start in range(0, len(said), 3))
        completion.usage = Usage(request.adapter, self.count_tokens(request.messages), len(said.split()))


class FakeRedactor:
    """Knows the names it is told, and whatever has a form. `failure` is raised instead of masking."""

    def __init__(self, *names: str, failure: Exception | None = None) -> None:
        self._names = re.compile("|".join(map(re.escape, names)) or r"(?!)", re.IGNORECASE)
        self._exact = ExactRecognisers(frozenset(PersonalDataType), ("US",))
        self._failure = failure

    def mask(self, text: str, known: Placeholders) -> Masked:
        if self._failure:
            raise self._failure
        named = [Finding(PersonalDataType.PERSON, *match.span()) for match in self._names.finditer(text)]
        return placeholders.replace(text, without_overlaps([*named, *self._exact.find(text)]), known)


class FakeDirectory:
    """Knows whom it is told, and who is in which room."""

    def __init__(
        self,
        groups: Mapping[str, frozenset[str]],
        tenant: str = "default",
        rooms: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.groups = dict(groups)
        self.rooms = dict(rooms or {})
        self._tenant = tenant

    def person(self, person_id: str) -> Person:
        return Person(person_id, person_id, self.groups.get(person_id, frozenset()), self._tenant)

    def members(self, room: str) -> Sequence[Person]:
        return [self.person(member) for member in self.rooms.get(room, ())]


class FakeClock:
    """Stands still until `now` is set, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now
