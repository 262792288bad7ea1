"""The index that is left behind when documents have moved to another backend: whole, and out of reach of erasures."""

from __future__ import annotations

import shutil

from answerloop.db.repositories import documents
from answerloop.errors import ConfigurationError
from answerloop.settings import Settings
from workers.wiring.models import IndexKind, Models, weaviate_of


def drop_index(models: Models, kind: IndexKind, at: str) -> str:
    """Delete it for every tenant; says what it was. Raises ConfigurationError for the one that the settings use, and
    where that one does not hold every document yet."""
    used = IndexKind.WEAVIATE if models.settings.weaviate_url else IndexKind.LANCEDB
    if kind is used:
        raise ConfigurationError(
            f"{kind.capitalize()} is the index that the settings use: it is never dropped. Change "
            "ANSWERLOOP_WEAVIATE_URL for every process first."
        )
    _require_whole(models, used)
    if kind is IndexKind.LANCEDB:
        if models.settings.state.index.exists():
            shutil.rmtree(models.settings.state.index)
        return f"LanceDB in {models.settings.state.index}"
    return _drop_weaviate(models.settings, at)


def _require_whole(models: Models, used: IndexKind) -> None:
    with models.database.reading() as session:
        wanted = documents.chunks_of_tenants(session)
    for tenant, chunks in wanted.items():
        if (found := models.index.count(tenant)) < chunks:
            raise ConfigurationError(
                f"{used.capitalize()} holds {found} of {chunks} chunks of tenant {tenant}: nothing was dropped. Run "
                f"`answerloop migrate-index --to {used}` first, or `answerloop ingest --rebuild`."
            )


def _drop_weaviate(settings: Settings, at: str) -> str:
    from answerloop.backends.weaviate_api import WeaviateApi

    api = WeaviateApi(weaviate_of(settings, at))
    try:
        collections = api.drop_all(f"{settings.weaviate_prefix}_")
    finally:
        api.close()
    return f"{collections} collections {settings.weaviate_prefix}_… of Weaviate at {at}"
