"""The store behind promotions, alone: a rollback must not wait for the imports of a whole worker."""

from __future__ import annotations

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.db.session import Database
from answerloop.ports import AdapterStore
from answerloop.settings import Settings
from workers.training.promote import Promotion


def adapter_store(settings: Settings) -> AdapterStore:
    return FolderAdapterStore(settings.state.adapters)


def promotion(settings: Settings, database: Database) -> Promotion:
    return Promotion(database, adapter_store(settings))
