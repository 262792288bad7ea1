"""The parts of an installation that rows are made with. Not in `workers.wiring`, which knows nothing of training."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from answerloop.domain import Message
from answerloop.ports import Completion, GenerationRequest, Generator
from workers.training.prompts import Serving
from workers.wiring import prepare_language_model
from workers.wiring.rooms import Rooms

log = logging.getLogger(__name__)


def parts_of(workshop: Rooms) -> Serving:
    """What an adapter will be served with: the language model, whoever speaks now."""
    return Serving(
        workshop.retriever, _LateModel(workshop), workshop.guard, workshop.redactor, workshop.settings.max_new_tokens
    )


class _LateModel:
    """The language model, prepared and loaded when it is first needed: on most nights there is nothing to learn."""

    def __init__(self, workshop: Rooms) -> None:
        self._workshop = workshop
        self.name = workshop.settings.model

    @property
    def window(self) -> int:
        return self._model().window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return self._model().count_tokens(messages)

    def generate(self, request: GenerationRequest) -> Completion:
        return self._model().generate(request)

    def _model(self) -> Generator:
        prepare_language_model(self._workshop.settings, log.info)
        return self._workshop.language_model
