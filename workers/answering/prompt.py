"""The prompt: exactly what is served, and so exactly what is trained on."""

from __future__ import annotations

from collections.abc import Sequence

from answerloop.domain import Message, Passage, Sentence
from answerloop.ports import Generator
from answerloop.text import plain

SYSTEM = (
    "You answer an employee's question from the company's documents. Use only the numbered evidence. "
    "Reply with the shortest phrase of the evidence that answers the question, and nothing else."
)
EVIDENCE_SENTENCES = 3
NOTHING = "The evidence does not say."
"""What an adapter learns to reply where no phrase of the evidence answers the question."""


def build(
    question: str,
    evidence: Sequence[Sentence],
    passages: Sequence[Passage],
    generator: Generator,
    max_new_tokens: int,
    examples: Sequence[Message] = (),
) -> tuple[list[Message], tuple[Sentence, ...]]:
    """The messages, and the evidence that fitted the model's window.

    Evidence is left out whole, worst first, never cut in the middle. At least one sentence stays: a window that is
    too small for it makes the generator refuse, and the answer a quote.
    """
    chosen = tuple(evidence[:EVIDENCE_SENTENCES])
    while True:
        messages = _messages(question, chosen, passages, examples)
        if len(chosen) <= 1 or generator.count_tokens(messages) + max_new_tokens <= generator.window:
            return messages, chosen
        chosen = chosen[:-1]


def says_nothing(sentence: str) -> bool:
    """Whether this is the reply for want of an answer."""
    return sentence.strip().casefold().rstrip(".") == NOTHING.casefold().rstrip(".")


def _messages(
    question: str, evidence: Sequence[Sentence], passages: Sequence[Passage], examples: Sequence[Message]
) -> list[Message]:
    lines = [
        f"[{sentence.passage}] {passages[sentence.passage - 1].title}: {plain(sentence.text)}" for sentence in evidence
    ]
    content = "Evidence:\n" + "\n".join(lines) + f"\n\nQuestion: {question}\nAnswer:"
    return [Message("system", SYSTEM), *examples, Message("user", content)]
