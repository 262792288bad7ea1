"""The seams: one small `Protocol` per thing that a company may want to replace.

Each has an embedded backend and a production backend in `answerloop/backends/`, and one conformance suite in
`answerloop/testing/` (`port_suites.py`, `chat_suites.py`, `review_suite.py`) that all of them pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from answerloop.auditing import AuditedTask, AuditTask, QueueIdentity
from answerloop.domain import (
    BASE_ADAPTER,
    AdapterManifest,
    Chunk,
    Grounding,
    Hit,
    Message,
    Notice,
    OutgoingMessage,
    Person,
    Progress,
    Sentence,
    Serving,
    Usage,
    Vector,
)
from answerloop.placeholders import Masked, Placeholders

# --- queue -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A task by its explicit name, with the ids it needs and nothing else."""

    task: str
    queue: str
    args: tuple[str, ...] = ()


class TaskQueue(Protocol):
    """Carries jobs to the workers, at least once."""

    def send(self, job: Job) -> None:
        """Hand the job to the broker. Raises QueueUnavailable within about a second when it does not take it."""

    def depths(self) -> Mapping[str, int]:
        """Jobs waiting, by queue. Raises QueueUnavailable."""


# --- retrieval -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """One hybrid query. `vector` is a unit row, float32 [dimension].

    `reader_sets` are the ids the audience may read; none of them means no result, never every result.
    """

    tenant: str
    text: str
    vector: Vector
    reader_sets: frozenset[int]
    limit: int = 100


class DocumentIndex(Protocol):
    """Chunks with their vectors, words and reader sets. Every method raises IndexUnavailable.

    A write is seen by the next search, also in another process. A document is replaced in one commit: no search sees
    half of it, or none. A rebuild writes beside the live generation, which goes on answering, until `publish`.
    """

    def replace_documents(self, tenant: str, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        """Make these the only chunks of each of these documents (document id → chunks); none deletes it."""

    def update_access(self, tenant: str, document_id: str, *, reader_set: int, superseded: bool) -> None:
        """Change who may read a document, and whether a newer one replaces it, without touching its text."""

    def search(self, query: IndexQuery) -> list[Hit]:
        """At most `limit` hits of each leg, in one list, both scores filled in for every hit, best first by neither.

        Superseded documents are left out. Raises IndexMismatch when the vector has another dimension than the index.
        """

    def refresh(self, tenant: str) -> None:
        """Do the housekeeping after a batch of writes: update the lexical index, drop old versions."""

    def begin_rebuild(self, tenant: str, *, resume: bool = False) -> DocumentIndex:
        """A fresh, empty generation to write to while this one serves; `resume`: with what was written to one that was
        never published."""

    def publish(self, tenant: str) -> None:
        """Make this generation the one every process searches, and drop the one before."""

    def count(self, tenant: str) -> int:
        """Chunks in the live generation."""

    def version(self, tenant: str) -> str:
        """A name that changes with every write."""

    def export(self, tenant: str) -> Iterator[tuple[str, Sequence[Chunk]]]:
        """Each document of the live generation with its chunks, in no order: for copying, while nobody writes."""

    def close(self) -> None:
        """Let go of connections."""


class Embedder(Protocol):
    """Turns text into unit vectors."""

    name: str
    dimension: int
    max_tokens: int

    def count_tokens(self, text: str) -> int:
        """Tokens of the text with the model's special tokens, uncut."""

    def embed(self, texts: Sequence[str]) -> Vector:
        """float32 [texts, dimension], each row of length 1. Text beyond `max_tokens` is not seen by the model."""


class Reranker(Protocol):
    """Reads the question and a passage together. Optional: slower than both legs of the index, and better."""

    name: str

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """How well each passage answers the question, in [0, 1], comparable within one question."""


# --- generation ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to say: the prompt for a model; for a generator without one the question and its evidence, best first.

    `deadline` is on the clock of `time.monotonic()`, in seconds. `may_leave`: the rule of what may leave the house has
    looked at it and let it go; only what has asked that rule may set it.
    """

    messages: Sequence[Message]
    question: str
    evidence: Sequence[Sentence]
    max_tokens: int
    deadline: float
    adapter: str = BASE_ADAPTER
    may_leave: bool = False


@dataclass(slots=True, weakref_slot=True)
class Completion:
    """A running generation: iterate it for pieces of text; `usage` is set when it is exhausted, and by a model that is
    paid for also when it breaks off after its first piece. Pieces that set it refer to it weakly: else an abandoned
    one, being a cycle, would keep its place in a batch until the garbage collector came by."""

    pieces: Iterable[str]
    usage: Usage | None = field(default=None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.pieces)


class Generator(Protocol):
    """Streams text for a prompt. Safe to call from many threads at once: one slow call never blocks another."""

    name: str

    @property
    def window(self) -> int:
        """Tokens that prompt and completion may have together."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt exactly as the model will be given it."""

    def generate(self, request: GenerationRequest) -> Completion:
        """Iterating the completion raises GeneratorUnavailable, or GenerationTimedOut past the deadline."""


class AdaptedGenerator(Generator, Protocol):
    """A generator that speaks with the adapter that a request names."""

    def prefer(self, adapter: str | None) -> None:
        """Nearly all requests will name this one; none: they will differ. Changes the speed, never what is said."""


class AdapterStore(Protocol):
    """Trained adapters, and the one pointer that says which of them speak. Whoever reads sees a whole adapter or none,
    and one valid pointer, whatever dies in the middle of a write; writers of all processes wait for each other."""

    def add(self, name: str, folder: Path, *, base_model: str, run: str, dataset: str) -> AdapterManifest:
        """Take an adapter in: its weights as safetensors and its configuration, and nothing else of the folder. The
        same one once more changes nothing. Raises AdapterRefused, also for other files under a name that is taken."""

    def names(self) -> Sequence[str]:
        """Those that are whole, in the order of their names."""

    def manifest(self, name: str) -> AdapterManifest:
        """Raises AdapterRefused for an adapter that is not there, or whose files are not those that were taken in."""

    def remove(self, name: str) -> None:
        """Its files go; one that is gone is gone. Raises AdapterRefused for one that speaks."""

    def serving(self) -> Serving:
        """The pointer as it is now."""

    def point(self, change: Callable[[Serving], Serving]) -> Serving:
        """Change the pointer, alone: `change` sees it as it is, and its number and time are set here. Returns what it
        is now; a change that changes nothing writes nothing. Raises AdapterRefused, as `manifest` does, for those that
        shall speak, and what `change` raises."""


# --- judging ---------------------------------------------------------------------------------------------------------


class GroundednessDetector(Protocol):
    """Judges whether sentences of an answer are carried by the passages they cite. Safe to call from many threads."""

    entails: bool
    """Whether it understands other words for the same thing, so that a paraphrase may stand on its score alone."""

    def score(self, sentences: Sequence[str], passages: Sequence[str]) -> list[Grounding]:
        """One judgement for each sentence, in order; without passages every score is 0.

        Raises GroundednessUnavailable.
        """


# --- personal data ---------------------------------------------------------------------------------------------------


class Redactor(Protocol):
    """Finds personal data. Safe to call from many threads at once. The way back needs no backend: `Placeholders`."""

    def mask(self, text: str, known: Placeholders) -> Masked:
        """A placeholder such as `<PERSON_1>` for each piece of personal data; what is known already keeps its own."""


# --- people and chat -------------------------------------------------------------------------------------------------


class Directory(Protocol):
    """Who people are. Somebody it does not know gets no groups at all. Raises DirectoryUnavailable; DeliveryImpossible
    where the platform that knows them has removed us."""

    def person(self, person_id: str) -> Person:
        """The person with the groups they are in right now."""

    def members(self, room: str) -> Sequence[Person]:
        """Everybody who will read what is written in the room. One of them without groups closes everything; where
        outsiders may be among them, each has the groups of a guest. Nobody, for a room it does not know."""


class RateLimiter(Protocol):
    """Keeps to what a platform allows, across all processes."""

    def reserve(self, key: str, per_second: float, burst: int) -> float:
        """Take a place now and return 0, or take none and return the seconds until there will be one.
        Raises QueueUnavailable."""

    def pause(self, key: str, seconds: float) -> None:
        """Nobody gets a place for this long: the platform said so. Raises QueueUnavailable."""


class Notifier(Protocol):
    """Tells those who run us. Raises DatabaseUnavailable."""

    def report(self, key: str, text: str) -> None:
        """`key` says what it is about: told again it changes nothing."""


class ChatDelivery(Protocol):
    """Shows answers where the questions were asked. `address` is what the channel's inbound side stored.

    Every method raises DeliveryUnavailable (nothing was shown; seconds to wait, when the platform says so),
    DeliveryUncertain (perhaps it was shown: ask `find` before showing it again) or DeliveryImpossible (the room or our
    right to write is gone for good; MessageDeleted: the message alone is). Called again with the same arguments,
    `show`, `deliver` with a message id, and `withdraw` change nothing that people see.
    """

    channel: str
    searchable: bool
    """Whether `find` finds. Where it does not, an answer is only ever put into a message whose id was kept before."""

    def has_placeholder(self, address: Mapping[str, object]) -> bool:
        """Whether `open` posts a message there. Where it does not, it gives signs alone, and any number of times."""

    def open(self, address: Mapping[str, object], progress: Progress) -> str | None:
        """Say that the question has arrived, and return the id of the message that will become its answer; None where
        there is no placeholder."""

    def show(self, address: Mapping[str, object], message_id: str | None, progress: Progress) -> None:
        """Bring what is shown up to date. May leave it as it is when the platform is busy."""

    def deliver(self, address: Mapping[str, object], message_id: str | None, message: OutgoingMessage) -> str:
        """Show the answer, in place of that message where there is one, and return the platform's id for it."""

    def withdraw(self, address: Mapping[str, object], message_id: str | None) -> None:
        """Take the message and every other sign of the question away."""

    def notify(self, address: Mapping[str, object], message_id: str | None, notice: Notice) -> str:
        """Show a notice, in place of that message where there is one, and return the platform's id for it."""

    def find(self, address: Mapping[str, object], subject_id: str) -> str | None:
        """The message that was posted for this question or notice without us learning its id. Where that can be neither
        found nor ruled out, an id with which nothing is posted a second time."""


# --- people judge ----------------------------------------------------------------------------------------------------


class ReviewQueue(Protocol):
    """Where people judge answers. Others change, delete and restore what stands there; only `changes` and `everything`
    say what does. One caller at a time writes.

    Every method raises ReviewQueueUnavailable or ReviewQueueRefused, and may be repeated. `project` is what `open` has
    returned; a project that is gone raises ReviewQueueUnavailable, and the next `open` tells.
    """

    def open(self, known: str | None) -> QueueIdentity:
        """Make sure of a project with our screen, and say which it is: `known` if it is still there."""

    def leave_mark(self, project: str, mark: int) -> None:
        """Leave a number there that comes back with every backup that was made from now on, until the next one."""

    def push(self, project: str, tasks: Sequence[AuditTask]) -> Mapping[str, str]:
        """Audit id → task id, for all of them. What stands there already is not pushed a second time.

        Raises TaskRefused when one of them is not taken, and then none is; ReviewQueueUncertain when they may arrive
        later, so that another try should wait.
        """

    def changes(self, project: str, since: datetime | None) -> Iterator[Sequence[AuditedTask]]:
        """What has changed at this moment of the queue's own clock or later, in pages, the earliest change first. Each
        with all its judgements: what is missing was deleted. A deleted task is missing altogether. A change that was
        being written just now may come late, with an earlier time."""

    def everything(self, project: str) -> Iterator[Sequence[AuditedTask]]:
        """All that stands there, in pages."""

    def withdraw(self, project: str, task_ids: Sequence[str]) -> None:
        """Take tasks away, with all that was said of them. What is gone already is gone."""


@dataclass(frozen=True, slots=True)
class ReviewerAccess:
    """How somebody gets in. `password` is said once; none for an account that was there before."""

    account: str
    url: str
    password: str | None


class ReviewerAccounts(Protocol):
    """Who may judge. Raises ReviewQueueUnavailable, ReviewQueueRefused."""

    def invite(self, email: str) -> ReviewerAccess:
        """Make sure of an account. Raises InvalidReviewer for what is no e-mail address."""
