"""The parts of an installation that rows are made with. Not in `workers.wiring`, which knows nothing of training."""

from __future__ import annotations

from workers.training.prompts import Serving
from workers.wiring import Workshop


def parts_of(workshop: Workshop) -> Serving:
    """What an adapter will be served with: the language model, whoever speaks now."""
    settings = workshop.settings
    return Serving(
        workshop.retriever, workshop.language_model, workshop.guard, workshop.redactor, settings.max_new_tokens
    )
