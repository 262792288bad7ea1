"""Let the model speak, sentence by sentence; when it cannot, let the documents speak for themselves."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from answerloop.domain import BASE_ADAPTER, Usage
from answerloop.errors import GeneratorUnavailable
from answerloop.ports import GenerationRequest, Generator

log = logging.getLogger(__name__)

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\[\"'(])|\n+")


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who can speak, and what they would be asked."""

    generator: Generator
    request: GenerationRequest


@dataclass(slots=True)
class Speech:
    """What was said, complete sentence by complete sentence.

    `model` and `adapter` name who speaks right now, which is the next one when a model failed; `failure` says why.
    `usage` is what all of them took together, also one that broke off, where it was paid for.
    """

    model: str = ""
    adapter: str = BASE_ADAPTER
    sentences: Iterator[str] = field(default_factory=lambda: iter(()))
    usage: Usage | None = None
    failure: str = ""


def speak(voices: Sequence[Voice]) -> Speech:
    """Start to speak. Iterating `sentences` raises nothing of a model's but the last one's: the next takes over."""
    speech = Speech()
    speech.sentences = _spoken(speech, voices)
    return speech


def _spoken(speech: Speech, voices: Sequence[Voice]) -> Iterator[str]:
    failures: list[str] = []
    for voice in voices:
        speech.model, speech.adapter = voice.generator.name, voice.request.adapter
        try:
            yield from _sentences(speech, voice)
        except GeneratorUnavailable as error:
            if voice is voices[-1]:
                raise
            log.warning("model failed, the next one speaks", extra={"model": speech.model, "error": str(error)})
            failures.append(type(error).__name__)
            speech.failure = ", ".join(dict.fromkeys(failures))
        else:
            return


def _sentences(speech: Speech, voice: Voice) -> Iterator[str]:
    completion = voice.generator.generate(voice.request)
    waiting = ""
    try:
        for piece in completion:
            *complete, waiting = _SENTENCE_END.split(waiting + piece)
            yield from (sentence.strip() for sentence in complete if sentence.strip())
        if waiting.strip():
            yield waiting.strip()
    finally:
        speech.usage = _together(speech.usage, completion.usage)


def _together(before: Usage | None, usage: Usage | None) -> Usage | None:
    if before is None or usage is None:
        return usage or before
    return Usage(
        usage.adapter,
        before.prompt_tokens + usage.prompt_tokens,
        before.completion_tokens + usage.completion_tokens,
        before.cost + usage.cost,
        before.estimated or usage.estimated,
    )
