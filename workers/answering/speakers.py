"""Who says the direct answer: a generator, the adapter it speaks with, and the worked examples it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from answerloop.domain import BASE_ADAPTER, Message
from answerloop.ports import Generator

if TYPE_CHECKING:
    from workers.answering.pipeline import Asked


@dataclass(frozen=True, slots=True)
class Speaker:
    """`examples` are turns of a user and an assistant, in the form of the prompt, that precede the question."""

    generator: Generator
    adapter: str = BASE_ADAPTER
    examples: tuple[Message, ...] = ()


SpeakerFor: TypeAlias = "Callable[[Asked], Speaker]"
"""Must be the same for all questions of a conversation, as long as nothing is promoted."""


def always(speaker: Speaker) -> SpeakerFor:
    return lambda _: speaker
