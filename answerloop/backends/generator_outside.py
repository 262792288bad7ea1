"""Before a model that stands outside the house: only what may leave gets through, and no personal data with it."""

from __future__ import annotations

import logging
import re
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace

from answerloop.domain import Message
from answerloop.errors import GeneratorUnavailable
from answerloop.placeholders import Placeholders, across_lines, replace_known, restore_repeated
from answerloop.ports import Completion, GenerationRequest, Generator, Redactor

log = logging.getLogger(__name__)

_BROKEN_AT_HYPHEN = re.compile(r"(?<=\w)-[ \t]*\n\s*(?=\w)")


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
        completion = Completion(())
        completion.pieces = self._pieces(request, weakref.ref(completion))
        return completion

    def _pieces(self, request: GenerationRequest, completion: weakref.ref[Completion]) -> Iterator[str]:
        if not request.may_leave:
            raise MayNotLeave("Nobody has let this out of the house.")
        try:
            messages, known = masked(request, self._redactor)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is sent; its message may quote the text
            log.warning("masking failed, nothing was sent", extra={"error": type(error).__name__})
            raise MayNotLeave("The prompt could not be masked.") from None
        inner = self._model.generate(replace(request, messages=messages, question="", evidence=()))
        try:
            yield from restore_repeated(inner, known)
        finally:
            if (target := completion()) is not None:
                target.usage = inner.usage


def masked(request: GenerationRequest, redactor: Redactor) -> tuple[list[Message], Placeholders]:
    """The prompt without personal data, and the way back. What is found in a sentence alone, in a line or in another
    message goes everywhere: names are overlooked more easily between numbers and labels than in plain words. What is
    broken over lines is looked for as if it were not, and goes whole, before a line shows half of it."""
    known = Placeholders()
    for text in (request.question, *(sentence.text for sentence in request.evidence)):
        for spelling in dict.fromkeys((_unbroken(text), text)):
            known = redactor.mask(spelling, known).placeholders
    contents = []
    for message in request.messages:
        pieces = []
        for piece, is_placeholder in across_lines(message.content, known):
            clean, known = (piece, known) if is_placeholder else _masked_lines(piece, redactor, known)
            pieces.append(clean)
        contents.append("".join(pieces))
    messages = [
        Message(message.role, replace_known(text, known))
        for message, text in zip(request.messages, contents, strict=True)
    ]
    return messages, known


def _masked_lines(text: str, redactor: Redactor, known: Placeholders) -> tuple[str, Placeholders]:
    lines = []
    for line in text.split("\n"):
        found = redactor.mask(line, known)
        lines.append(found.text)
        known = found.placeholders
    return "\n".join(lines), known


def _unbroken(text: str) -> str:
    return " ".join(_BROKEN_AT_HYPHEN.sub("-", text).split())
