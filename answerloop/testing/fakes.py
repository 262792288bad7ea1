"""Deterministic stand-ins for the ports: small classes with a memory, no mocks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from answerloop.domain import Message, OutgoingMessage, Person, Usage, Vector
from answerloop.errors import DeliveryUnavailable, GeneratorUnavailable, QueueUnavailable
from answerloop.ports import Completion, GenerationRequest, Job
from answerloop.text import content_words


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


class FakeDirectory:
    """Knows whom it is told."""

    def __init__(self, groups: Mapping[str, frozenset[str]], tenant: str = "default") -> None:
        self.groups = dict(groups)
        self._tenant = tenant

    def person(self, person_id: str) -> Person:
        return Person(person_id, person_id, self.groups.get(person_id, frozenset()), self._tenant)


class FakeChat:
    """A chat platform that shows one message for each question; `failures` makes the next deliveries fail."""

    def __init__(self, channel: str = "web", failures: int = 0) -> None:
        self.channel = channel
        self.failures = failures
        self.shown: dict[str, OutgoingMessage] = {}
        self.calls = 0

    def deliver(self, address: Mapping[str, object], placeholder_id: str | None, message: OutgoingMessage) -> str:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise DeliveryUnavailable("the fake platform is busy", retry_after_seconds=0.0)
        self.shown[message.question_id] = message
        return f"shown-{message.question_id}"
