"""An installation that lives as long as one measurement."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from answerloop.cli.console import progress_bar
from answerloop.db.repositories import documents
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from workers.wiring import Workshop


@contextmanager
def throwaway(settings: Settings, documents_path: Path) -> Iterator[Workshop]:
    """An installation in a temporary folder with these documents indexed; the models are the real ones."""
    with tempfile.TemporaryDirectory(prefix="answerloop-") as folder:
        temporary = settings.model_copy(
            update={
                "home": Path(folder),
                "database_url": SecretStr(""),
                "models_folder": settings.effective_models_folder,
            }
        )
        workshop = Workshop(temporary, "evaluate")
        workshop.database.migrate()
        source = workshop.indexer.register(documents_path, settings.tenant, ())
        with progress_bar("indexing") as progress:
            report = workshop.indexer.sync(source, progress)
        if not report.indexed:
            raise ConfigurationError(
                f"{documents_path}: nothing could be indexed; first problem: {_first(report.rejected)}"
            )
        try:
            yield workshop
        finally:
            workshop.close()


def _first(problems: dict[str, str]) -> str:
    return next((f"{key}: {reason}" for key, reason in problems.items()), "no documents")


def keys_of(workshop: Workshop) -> dict[str, str]:
    """The questions' names of documents, by our ids."""
    with workshop.database.reading() as session:
        source = documents.sources(session)[0]
        return {row.id: row.key for row in documents.of_source(session, source.id).values()}
