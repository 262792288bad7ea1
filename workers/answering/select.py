"""The sentences of the found passages, in the order in which they answer."""

from __future__ import annotations

from collections.abc import Sequence

from answerloop.domain import Hit, Passage, Sentence, Vector
from answerloop.text import content_words
from workers.answering.instructions import addresses_assistant, asks


def select_sentences(
    query: str, vector: Vector, passages: Sequence[Passage], hits: Sequence[Hit]
) -> tuple[Sentence, ...]:
    """Every sentence of the passages, best first: by its own vector, its passage's score and the words it shares."""
    asked = set(content_words(query))
    by_text = {
        (hit.chunk.document_id, text): row
        for hit in hits
        for text, row in zip(hit.chunk.sentences, hit.chunk.sentence_vectors, strict=True)
    }
    found = []
    for number, passage in enumerate(passages, start=1):
        for text in dict.fromkeys(passage.sentences):
            if addresses_assistant(text) or asks(text):
                continue
            cosine = float(by_text[passage.document_id, text] @ vector)
            shared = len(asked & set(content_words(text))) / len(asked) if asked else 0.0
            found.append(Sentence(text, number, 0.6 * cosine + 0.2 * passage.score + 0.2 * shared, cosine))
    return tuple(sorted(found, key=lambda sentence: -sentence.score))
