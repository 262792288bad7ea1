"""Which backend stands behind each port of the workers. Everything heavy is built on first use."""

from workers.wiring.leftover import drop_index
from workers.wiring.models import (
    IndexKind,
    check_index,
    check_models,
    planned,
    prepare_language_model,
    prepare_models,
)
from workers.wiring.workshop import Workshop

__all__ = [
    "IndexKind",
    "Workshop",
    "check_index",
    "check_models",
    "drop_index",
    "planned",
    "prepare_language_model",
    "prepare_models",
]
