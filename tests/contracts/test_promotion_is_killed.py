"""Nights that are killed at every step of a promotion and taken up again: one pointer, and in the end the same."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from answerloop.backends.adapters_folder import FolderAdapterStore
from answerloop.db.repositories import adapters
from answerloop.db.session import Database
from answerloop.db.training_tables import TrainingRunRow
from answerloop.testing.adapter_suite import trained
from tests.contracts.test_adapter_store import DyingDisk
from workers.training.promote import Promotion


class DyingDatabase(Database):
    """Dies before a transaction, or right before its commit, by the disk's own count."""

    def __init__(self, url: str, disk: DyingDisk) -> None:
        super().__init__(url)
        self._disk = disk

    @contextmanager
    def writing(self, *, beside_others=False):
        self._disk._step()
        with super().writing(beside_others=beside_others) as session:
            yield session
            self._disk._step()


def night(promotion: Promotion, folder: Path, name: str, share: float) -> None:
    promotion.take_in(name, folder, run="run", dataset="data", base_model="tiny")
    promotion.begin(name, share)
    promotion.promote(name)
    for old in [name for name in promotion._store.names() if name not in promotion._store.serving().adapters]:
        promotion.retire(old)


def killed(url: str, root: Path, steps: int, half: bool, act) -> bool:
    child = os.fork()
    if child == 0:
        disk = DyingDisk(steps, half)
        try:
            act(Promotion(DyingDatabase(url, disk), FolderAdapterStore(root, disk)))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_night_that_is_killed_anywhere_is_finished_by_the_next_try(tmp_path, database_url, share, half):
    url, root = database_url, tmp_path / "adapters"
    database, store = Database(url), FolderAdapterStore(root)
    with database.writing() as session:
        session.add(TrainingRunRow(id="run"))
    promotion = Promotion(database, store)
    night(promotion, trained(tmp_path / "out-0"), "night-0", share)
    database.dispose()  # no connection goes into the child
    kills = 0
    for steps in range(1, 60):
        name, before = f"night-{steps}", f"night-{steps - 1}"
        folder = trained(tmp_path / f"out-{steps}", float(steps))
        died = killed(url, root, steps, half, lambda own, name=name, folder=folder: night(own, folder, name, share))
        serving, names = store.serving(), list(store.names())
        assert serving.live in (before, name)
        assert serving.adapters <= set(names)
        for each in names:
            store.manifest(each)
        promotion.settle()
        with database.reading() as session:
            states = {each.name: each.state.value for each in adapters.everyone(session)}
        assert [each for each, state in states.items() if state == "live"] == [serving.live]
        night(promotion, folder, name, share)
        assert store.serving().live == name
        assert list(store.names()) == [name]
        database.dispose()
        kills += died
        if not died:
            break
    assert not died
    assert kills > 20
