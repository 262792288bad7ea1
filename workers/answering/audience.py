"""What people are told about their rights, when those are why an answer is missing or poor."""

from __future__ import annotations

from collections.abc import Sequence

from answerloop.domain import Audience, Confidence, Turn
from workers.answering import answerable
from workers.answering.retrieve import Retriever

NOTHING_FOUND = "I don't know: I found nothing about this in the documents you may read."
READS_NOTHING = (
    "I cannot answer you, because there is no document here that you may read. "
    "Please ask the people who look after this assistant which groups you should be in."
)
NOTHING_FOR_ALL = "I cannot answer here: there is no document that everybody who will see this answer may read."
BETTER_ALONE = "A better answer exists that cannot be shown here: ask me in a direct message."

_RANK = (Confidence.DONT_KNOW, Confidence.UNCERTAIN, Confidence.SURE)


class Rights:
    """Looks beyond an audience for its asker, and tells nothing of what it sees there but that it is better."""

    def __init__(self, retriever: Retriever, answer_threshold: float, sure_threshold: float) -> None:
        self._retriever = retriever
        self._answer_threshold = answer_threshold
        self._sure_threshold = sure_threshold

    def nothing_found(self, audience: Audience, asker: Audience | None) -> str:
        """Why there is not even a near document. Raises DatabaseUnavailable."""
        if self._retriever.reads_anything(audience):
            return NOTHING_FOUND
        return READS_NOTHING if asker in (None, audience) else NOTHING_FOR_ALL

    def hint(
        self,
        question: str,
        history: Sequence[Turn],
        audience: Audience,
        asker: Audience | None,
        confidence: Confidence,
    ) -> str:
        """Where the asker would do better alone, or nothing. Costs a second retrieval, and only where others will read
        an answer that is not sure. Raises as `Retriever.retrieve` does."""
        if asker in (None, audience) or confidence is Confidence.SURE:
            return ""
        found = self._retriever.retrieve(question, history, asker)
        probability = answerable.probability(answerable.features(found))
        alone = answerable.confidence(probability, self._answer_threshold, self._sure_threshold)
        return BETTER_ALONE if _RANK.index(alone) > _RANK.index(confidence) else ""
