"""What every part of the workers stands on."""

from __future__ import annotations

import os

from answerloop.db.session import Database
from answerloop.settings import Settings


class Ground:
    def __init__(self, settings: Settings) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        self.settings = settings
        self.database = Database(settings.effective_database_url)
