"""An installation that lives as long as one measurement."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from answerloop.cli.console import progress_bar
from answerloop.db.repositories import documents
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from workers.wiring import Workshop

MEASURED = frozenset(
    {"tenant", "training_params", "human_contact", "contacts", "emergency_text", "max_question_characters"}
    | {"max_document_bytes", "chunk_tokens", "embedder", "reranker"}
    | {"generator", "inside_generator", "model", "device", "dtype", "attention", "quantisation", "threads"}
    | {"batch_tokens", "batch_size", "max_new_tokens", "passages", "answer_threshold", "sure_threshold"}
    | {"groundedness", "groundedness_model", "grounded_threshold", "answer_deadline_seconds", "lease_seconds"}
    | {"history_turns", "curated_threshold", "masked_types", "redaction_language", "redaction_regions"}
    | {"currency", "log_format", "log_level"}
)
"""What a measurement takes over. Whatever else is set has its default, with which an installation reaches nothing
outside of its home."""
OWN_ENDPOINT = frozenset(name for name in Settings.model_fields if name.startswith("openai_"))
"""A model behind an endpoint in the house is what is measured there."""


def closed(settings: Settings, home: Path) -> Settings:
    """An installation that answers as these settings say, and reads and writes nothing outside of this folder, but
    for the models. A model outside of the house is never asked."""
    kept = MEASURED if settings.leaves_the_house else MEASURED | OWN_ENDPOINT
    unset = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
        if name not in kept
    }
    own = {"home": home, "models_folder": settings.effective_models_folder, "review": "off", "nightly": False}
    inside = {"generator": settings.inside_generator} if settings.leaves_the_house else {}
    return settings.model_copy(update={**unset, **own, **inside})


@contextmanager
def throwaway(settings: Settings, documents_path: Path) -> Iterator[Workshop]:
    """An installation in a temporary folder with these documents indexed; the models are the real ones."""
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder:
        workshop = Workshop(closed(settings, Path(folder)), "evaluate")
        try:
            _index(workshop, documents_path)
            yield workshop
        finally:
            workshop.close()


def _index(workshop: Workshop, documents_path: Path) -> None:
    workshop.database.migrate()
    source = workshop.indexer.register(documents_path, workshop.settings.tenant, ())
    with progress_bar("indexing") as progress:
        report = workshop.indexer.sync(source, progress)
    if not report.indexed:
        raise ConfigurationError(
            f"{documents_path}: nothing could be indexed; first problem: {_first(report.rejected)}"
        )


def _first(problems: dict[str, str]) -> str:
    return next((f"{key}: {reason}" for key, reason in problems.items()), "no documents")


def keys_of(workshop: Workshop) -> dict[str, str]:
    """The questions' names of documents, by our ids."""
    with workshop.database.reading() as session:
        source = documents.sources(session)[0]
        return {row.id: row.key for row in documents.of_source(session, source.id).values()}
