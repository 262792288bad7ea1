"""Is this a question for the documents at all? Some need a person instead, and some only a friendly word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from answerloop.domain import Concern
from workers.answering import wording
from workers.answering.nearest import NearestExamples

_REPLIES: Mapping[Concern, str] = {
    Concern.SELF_HARM: "I am sorry that things are this hard. Please talk to a person now: "
    "nobody has to go through this alone.",
    Concern.HARASSMENT: "Nobody has to put up with harassment or threats at work. Please talk to a person about this.",
    Concern.LEGAL: "I cannot give legal advice. Please ask a person who can.",
    Concern.MEDICAL: "I cannot give medical advice. Please ask a doctor.",
    Concern.PRIVATE: "I do not give out passwords, keys or other people's personal data.",
    Concern.INSTRUCTIONS: "I answer from the company's documents, with the rights of the person who asks. "
    "That cannot be changed here.",
    Concern.SMALL_TALK: "Hello! I answer questions from the company's documents and name my sources. "
    "Ask me, for instance, about leave, expenses or IT.",
}
_NOBODY_NEEDED = frozenset({Concern.INSTRUCTIONS, Concern.SMALL_TALK})
_URGENT = frozenset({Concern.SELF_HARM, Concern.HARASSMENT, Concern.MEDICAL})


@dataclass(frozen=True, slots=True)
class Finding:
    """`reply` is the whole answer where there is one, `footnote` goes below an answer from documents; `because` is the
    wording's rule or the nearest example."""

    concern: Concern
    because: str
    reply: str = ""
    footnote: str = ""


@dataclass(frozen=True, slots=True)
class Triage:
    """`contacts` are the people for a kind of question, `anybody` is the one for all others. Without `nearest` only
    unmistakable wordings are found."""

    contacts: Mapping[Concern, str] = field(default_factory=dict)
    anybody: str = ""
    emergency: str = ""
    nearest: NearestExamples | None = None

    def look_at(self, question: str) -> Finding | None:
        if concern := wording.concern_of(question):
            return Finding(concern, "its wording", self._reply(concern))
        if self.nearest and (likeness := self.nearest.of(question)):
            because = f"like “{likeness.example}” ({likeness.cosine})"
            return Finding(likeness.concern, because, self._reply(likeness.concern))
        subject = wording.subject_of(question)
        contact = self.contacts.get(subject) if subject else None
        return (
            Finding(subject, "its subject", footnote=f"A person to talk to: {contact}") if subject and contact else None
        )

    def _reply(self, concern: Concern) -> str:
        contact = "" if concern in _NOBODY_NEEDED else self.contacts.get(concern, self.anybody)
        parts = (
            _REPLIES[concern],
            f"A person can help: {contact}" if contact else "",
            self.emergency if concern in _URGENT else "",
        )
        return "\n\n".join(filter(None, parts))
