"""Let the model speak, sentence by sentence; when it cannot, let the documents speak for themselves."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from answerloop.domain import Usage
from answerloop.errors import GeneratorUnavailable
from answerloop.ports import GenerationRequest, Generator

log = logging.getLogger(__name__)

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\[\"'(])|\n+")


@dataclass(slots=True)
class Speech:
    """What one generation said, complete sentence by complete sentence.

    `model` and `usage` name who really spoke, which is the fallback when the model failed; `failure` says why.
    """

    model: str
    sentences: Iterator[str] = field(default_factory=lambda: iter(()))
    usage: Usage | None = None
    failure: str = ""


def speak(generator: Generator, fallback: Generator, request: GenerationRequest) -> Speech:
    """Start to speak. Iterating `sentences` raises nothing of the model's: the fallback takes over."""
    speech = Speech(model=generator.name)
    speech.sentences = _spoken(speech, generator, fallback, request)
    return speech


def _spoken(speech: Speech, generator: Generator, fallback: Generator, request: GenerationRequest) -> Iterator[str]:
    try:
        yield from _sentences(speech, generator, request)
    except GeneratorUnavailable as error:
        log.warning("model failed, quoting instead", extra={"model": generator.name, "error": str(error)})
        speech.model, speech.failure = fallback.name, type(error).__name__
        yield from _sentences(speech, fallback, request)


def _sentences(speech: Speech, generator: Generator, request: GenerationRequest) -> Iterator[str]:
    completion = generator.generate(request)
    waiting = ""
    for piece in completion:
        *complete, waiting = _SENTENCE_END.split(waiting + piece)
        yield from (sentence.strip() for sentence in complete if sentence.strip())
    if waiting.strip():
        yield waiting.strip()
    speech.usage = completion.usage
