import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerloop.testing.past_state import House, paint_files, paint_state


@pytest.fixture(scope="session")
def painted(tmp_path_factory) -> Path:
    house = House(tmp_path_factory.mktemp("painted") / "state")
    house.database.migrate()
    paint_state(house.database)
    paint_files(house.state)
    house.database.empty_journal()
    house.database.dispose()
    return house.state.root


@pytest.fixture
def old(painted, tmp_path) -> Iterator[House]:
    """A whole installation."""
    shutil.copytree(painted, tmp_path / "old")
    house = House(tmp_path / "old")
    yield house
    house.database.dispose()


@pytest.fixture
def new(tmp_path) -> Iterator[House]:
    house = House(tmp_path / "new")
    yield house
    house.database.dispose()


@pytest.fixture(scope="session")
def exported(painted, tmp_path_factory) -> Path:
    """The archive of such an installation."""
    folder = tmp_path_factory.mktemp("exported")
    shutil.copytree(painted, folder / "state")
    house = House(folder / "state")
    house.leave(folder / "state.tar")
    house.database.dispose()
    return folder / "state.tar"
