"""Before a model that stands outside the house: only what may leave gets through, and no personal data with it."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace

from answerloop.domain import Message
from answerloop.errors import GeneratorUnavailable
from answerloop.placeholders import Placeholders, replace_known, restore_repeated
from answerloop.ports import Completion, GenerationRequest, Generator, Redactor

log = logging.getLogger(__name__)


class MayNotLeave(GeneratorUnavailable):
    """Nobody has let this request out of the house, or it could not be masked: nothing was sent."""


class OutsideGenerator:
    """A `Generator` around another one. What it gets is masked, what it says is restored; evidence and question, which
    no model needs beside its prompt, are not handed on at all."""

    def __init__(self, model: Generator, redactor: Redactor) -> None:
        self.name = model.name
        self._model = model
        self._redactor = redactor

    @property
    def window(self) -> int:
        return self._model.window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self._model.count_tokens(messages)

    def generate(self, request: GenerationRequest) -> Completion:
        completion = _Completion(())
        completion.pieces = self._pieces(request, weakref.ref(completion))
        return completion

    def _pieces(self, request: GenerationRequest, completion: weakref.ref[_Completion]) -> Iterator[str]:
        if not request.may_leave:
            raise MayNotLeave("Nobody has let this out of the house.")
        try:
            messages, known = masked(request, self._redactor)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is sent; its message may quote the text
            log.warning("masking failed, nothing was sent", extra={"error": type(error).__name__})
            raise MayNotLeave("The prompt could not be masked.") from None
        inner = self._model.generate(replace(request, messages=messages, question="", evidence=()))
        yield from restore_repeated(inner, known)
        if (target := completion()) is not None:
            target.usage = inner.usage


class _Completion(Completion):
    """Can be referred to weakly: an abandoned completion must not keep its request alive until it is collected."""


def masked(request: GenerationRequest, redactor: Redactor) -> tuple[list[Message], Placeholders]:
    """The prompt without personal data, and the way back. What is found in a sentence alone, in a line or in another
    message goes everywhere: names are overlooked more easily between numbers and labels than in plain words."""
    known = Placeholders()
    for text in (request.question, *(sentence.text for sentence in request.evidence)):
        known = redactor.mask(text, known).placeholders
    prompt: list[list[str]] = []
    for message in request.messages:
        prompt.append([])
        for line in message.content.split("\n"):
            found = redactor.mask(line, known)
            prompt[-1].append(found.text)
            known = found.placeholders
    contents = ["\n".join(replace_known(line, known) for line in lines) for lines in prompt]
    return [Message(message.role, text) for message, text in zip(request.messages, contents, strict=True)], known
