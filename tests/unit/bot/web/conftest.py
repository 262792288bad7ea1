from pathlib import Path

import pytest

from answerloop.db.session import Database
from tests.unit.bot.web.web_kit import WebKit, signed_in_by_proxy


@pytest.fixture
def kit(database: Database, tmp_path: Path) -> WebKit:
    """People come through the company's sign-in."""
    return signed_in_by_proxy(database, tmp_path / "home")


@pytest.fixture
def development(database: Database, tmp_path: Path) -> WebKit:
    """Nothing is configured: the development user on this machine."""
    return WebKit(database, tmp_path / "home")
