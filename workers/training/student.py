"""What training needs of a language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from answerloop.domain import Message


class Student(Protocol):
    """A causal language model with the tokens that serving gives it and takes from it. Training changes it in place:
    load one for each run."""

    name: str
    model: Any
    """A `PreTrainedModel`, on its device and in the precision of its weights."""

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Exactly what the generator feeds."""

    def reply(self, text: str) -> list[int]:
        """What the generator would have to say to be read as `text`, with the token that ends it."""
