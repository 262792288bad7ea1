"""The words of the domain: plain values, no behaviour that needs anything but themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"
"""Unit rows or one unit row. The name alone: the bot never loads numpy."""

EVERYONE = "everyone"
PUBLIC = "public"
BASE_ADAPTER = "base"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who will see the answer: the distinct group sets of all its readers.

    In a direct message that is one set, the asker's; in a channel one per kind of member. A document is readable
    by an audience only if every member may read it, so an empty audience may read nothing (fail closed).
    """

    tenant: str
    members: frozenset[frozenset[str]]

    @classmethod
    def of_person(cls, tenant: str, groups: AbstractSet[str]) -> Audience:
        return cls(tenant, frozenset({frozenset(groups)}))

    @classmethod
    def of(cls, tenant: str, people: Iterable[Person]) -> Audience:
        """Of these people. Somebody of another tenant has no groups here, whatever theirs are called."""
        return cls(
            tenant, frozenset(person.groups if person.tenant == tenant else frozenset[str]() for person in people)
        )

    def may_read(self, allow: AbstractSet[str]) -> bool:
        return bool(self.members) and all(groups & allow for groups in self.members)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the directory knows. A guest belongs to no group of the company."""

    id: str
    name: str
    groups: frozenset[str]
    tenant: str = "default"
    email: str = ""
    """Where the directory says so: who they are as a reviewer."""


# --- documents -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chunk:
    """A coherent piece of one document, as the index stores it.

    `start` and `end` are character offsets into the document's extracted text; `sentence_vectors` has one unit row
    for each sentence: float32 [sentences, dimension].
    """

    id: str
    document_id: str
    position: int
    title: str
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    url: str | None
    modified_at: datetime | None
    version: str | None
    reader_set: int
    superseded: bool
    vector: Vector
    sentences: tuple[str, ...]
    sentence_vectors: Vector


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found by the index, with the raw score of each leg.

    `bm25` is 0 when the lexical leg knows none of the words; `cosine` is in [-1, 1]. What the index cannot know is
    filled in by the check after the query: whether outsiders may have written it, and whether only some may read it.
    """

    chunk: Chunk
    bm25: float
    cosine: float
    trusted: bool = True
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage, with how well it fits the question (0 to 1, comparable within one question)."""

    text: str
    passage: int
    score: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Passage:
    """What the asker may be shown as a source: one chunk, or adjacent ones merged."""

    document_id: str
    chunk_id: str
    title: str
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    url: str | None
    modified_at: datetime | None
    score: float
    bm25: float
    cosine: float
    sentences: tuple[str, ...] = ()
    excerpt: str = ""
    """The sentence that fits the question best, to show beside the title; none when none may be quoted."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """How well the passages carry a sentence: a probability, and what they contradict, such as "number 30"."""

    score: float
    mismatches: tuple[str, ...]


# --- questions and answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the same conversation and what was answered."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class InboundQuestion:
    """What a channel's adapter hands to the intake: everything known before any slow step.

    `message_keys` are all the names under which the platform may deliver this same message again.
    `address` is the channel's own plain JSON: where the answer goes.
    `room` is where others will read the answer too, by the name the directory knows it under; none: the asker alone.
    `sources` limits the answer to these sources (their locations); none: all of them.
    """

    channel: str
    tenant: str
    asker: str
    conversation_key: str
    text: str
    message_keys: tuple[str, ...]
    address: dict[str, object] = field(default_factory=dict)
    room: str | None = None
    sources: tuple[str, ...] = ()


class QuestionState(StrEnum):
    PENDING = "pending"
    ANSWERING = "answering"
    ANSWERED = "answered"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """What the asker is told while they wait."""

    QUEUED = "queued"
    SEARCHING = "searching"
    READING = "reading"
    WRITING = "writing"
    DONE = "done"


class Outcome(StrEnum):
    ANSWERED = "answered"
    ABSTAINED = "abstained"
    FAILED = "failed"


class Concern(StrEnum):
    """Why a question is not one for the documents, most urgent first."""

    SELF_HARM = "self_harm"
    HARASSMENT = "harassment"
    LEGAL = "legal"
    MEDICAL = "medical"
    PRIVATE = "private"
    INSTRUCTIONS = "instructions"
    SMALL_TALK = "small_talk"


class Action(StrEnum):
    """What was done with a question."""

    ANSWERED = "answered"
    QUOTED = "quoted"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was done, the rule that decided it, and what else somebody who reviews the answer should know."""

    action: Action
    rule: str
    notes: tuple[str, ...] = ()


class Confidence(StrEnum):
    SURE = "sure"
    UNCERTAIN = "uncertain"
    DONT_KNOW = "don't know"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one generation took, in tokens, and the adapter that spoke. `cost` is in the currency of the settings;
    `estimated`: whoever spoke did not count, so tokens and cost are ours."""

    adapter: str
    prompt_tokens: int
    completion_tokens: int
    cost: float = 0.0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A numbered source of an answer; `cited` is false for documents that are merely near."""

    number: int
    passage: Passage
    cited: bool


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """What the pipeline knows of an answer, complete at the end."""

    text: str
    outcome: Outcome
    confidence: Confidence
    sources: tuple[CitedSource, ...]
    model: str
    usage: Usage
    index_version: str
    timings_ms: dict[str, float]
    scores: dict[str, float]
    reason: str
    decision: Decision
    hint: str = ""
    """For the asker alone, where others read the answer too: that they would do better elsewhere."""
    correction_id: str | None = None
    """The approved correction that it is."""


class Thumb(StrEnum):
    UP = "up"
    DOWN = "down"


class FeedbackReason(StrEnum):
    MADE_UP = "made_up"
    INCOMPLETE = "incomplete"
    OUTDATED = "outdated"
    WRONG_SOURCE = "wrong_source"
    TONE = "tone"
    OTHER = "other"


class Via(StrEnum):
    """How a thumb was given. The weakest first: taking a reaction away takes its thumb away, and no other."""

    REACTION = "reaction"
    CLICK = "click"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thinks of an answer: a thumb, why, a better answer and where that is written. No thumb: a better
    answer alone."""

    thumb: Thumb | None = None
    reason: FeedbackReason | None = None
    comment: str | None = None
    correction: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What may be shown of a question that is not answered yet. `text` has passed the guard; `ahead` are the questions
    that wait in front of it."""

    question_id: str
    stage: Stage
    ahead: int = 0
    text: str = ""
    sources: tuple[CitedSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """A person was asked for. `asked_by` and `resolved_by` are people as the channel names them."""

    asked_by: str
    resolved_by: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """The neutral form of an answer, which every channel's renderer turns into its own."""

    question_id: str
    answer_id: str
    text: str
    outcome: Outcome
    confidence: Confidence
    sources: tuple[CitedSource, ...]
    question: str = ""
    asker: str = ""
    action: Action = Action.ANSWERED
    verified: bool = False
    """A colleague has approved it."""
    escalation: Escalation | None = None
    sensitivity: str = ""
    """How the documents behind it are marked, such as "Confidential"."""


@dataclass(frozen=True, slots=True)
class HomeQuestion:
    """`outcome` is none while it waits; `address` is where it was asked. `answer` is given where nobody else reads it
    there: a message for one reader may get lost."""

    text: str
    outcome: Outcome | None
    asked_at: datetime
    address: Mapping[str, object]
    answer: str = ""


@dataclass(frozen=True, slots=True)
class HomeFacts:
    """What the assistant is to one person. `documents` counts those that they may read."""

    documents: int
    updated_at: datetime | None
    questions: tuple[HomeQuestion, ...]
    admin: bool = False


class NoticeKind(StrEnum):
    """Why somebody is told something that is not an answer."""

    HINT = "hint"  # to the asker alone: a better answer exists elsewhere
    ESCALATION = "escalation"  # to people: somebody asks for one of them
    REMINDER = "reminder"  # to the asker alone: how was the answer?
    SUGGESTION = "suggestion"  # to a colleague alone: shall your reply be the better answer?
    SLOW_DOWN = "slow_down"  # to the asker alone: too many questions in a short time
    THANKS = "thanks"  # to whoever rated: it has arrived
    CORRECTED = "corrected"  # to the asker alone: a colleague has corrected the answer above
    REFUSED = "refused"  # to the asker alone: why there will be no answer here
    HOME = "home"  # to one person alone: what the assistant knows, and how to ask
    REPORT = "report"  # to the room of those who run us

    @property
    def is_public(self) -> bool:
        """Shown to everybody where it goes; all others are for one person's eyes."""
        return self in (NoticeKind.ESCALATION, NoticeKind.REPORT)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message beside the answers, shown once. `people` are to be tagged; `text` is what somebody wrote or is told."""

    id: str
    kind: NoticeKind
    text: str = ""
    people: tuple[str, ...] = ()
    question: str = ""
    answer_id: str | None = None
    escalation: Escalation | None = None
    home: HomeFacts | None = None


class Respond(StrEnum):
    """To what the assistant answers in a room without being asked by name."""

    OFF = "off"  # not even when it is mentioned
    MENTIONS = "mentions"
    QUESTIONS = "questions"  # also to every new message that ends in a question mark
    ALL = "all"  # to every new message


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """How the assistant behaves in one room. Empty tuples: everything, everybody, nobody in particular.

    `sources` are locations as they were registered; `allow` the people it listens to, and `escalation` those who are
    tagged when somebody asks for a human, as the platform names them. No groups: who is in one is not known at once.
    """

    respond: Respond = Respond.MENTIONS
    ephemeral: bool = False
    sources: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    escalation: tuple[str, ...] = ()
    language: str = "en"


# --- adapters --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdapterManifest:
    """An adapter that is whole. `files`: name → SHA-256; `base_model`, `run` and `dataset` are where it comes from."""

    name: str
    base_model: str
    run: str
    dataset: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Serving:
    """Which adapters speak since `since`. None live: the configured generator. `canary_share` of the conversations
    hear the canary. `previous` was live before; `number` grows with every change."""

    live: str | None = None
    canary: str | None = None
    canary_share: float = 0.0
    previous: str | None = None
    number: int = 0
    since: datetime | None = None

    @property
    def adapters(self) -> frozenset[str]:
        return frozenset(name for name in (self.live, self.canary) if name is not None)

    def adapter_for(self, conversation: str) -> str | None:
        """The same for all questions of a conversation, whoever asks and wherever it is computed."""
        if self.canary is None:
            return self.live
        digest = hashlib.sha256(f"{self.canary}\0{conversation}".encode()).digest()
        drawn = int.from_bytes(digest[:8], "big") / 2**64
        return self.canary if drawn < self.canary_share else self.live


# --- personal data ---------------------------------------------------------------------------------------------------


class PersonalDataType(StrEnum):
    """What can be masked, as Presidio names it. `IDENTITY_NUMBER` is any national one, such as a US SSN."""

    PERSON = "PERSON"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    PHONE_NUMBER = "PHONE_NUMBER"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN_CODE = "IBAN_CODE"
    IDENTITY_NUMBER = "IDENTITY_NUMBER"
    IP_ADDRESS = "IP_ADDRESS"
    URL = "URL"
    LOCATION = "LOCATION"
    DATE_TIME = "DATE_TIME"
    ORGANIZATION = "ORGANIZATION"


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data at these character offsets of a text."""

    type: PersonalDataType
    start: int
    end: int
