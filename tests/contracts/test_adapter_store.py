"""The adapters' folder: what every store does, and what kill -9 and a tampering hand leave of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from answerloop.backends.adapters_folder import Disk, FolderAdapterStore
from answerloop.domain import Serving
from answerloop.errors import AdapterRefused
from answerloop.testing.adapter_suite import AdapterStoreSuite, take_in, trained


class DyingDisk(Disk):
    """The process is gone before the nth step, or in the middle of what that step writes."""

    def __init__(self, steps: int, half: bool) -> None:
        self.left, self.half = steps, half

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            os._exit(9)

    def write(self, path: Path, content: bytes) -> None:
        if self.left == 0 and self.half:
            path.write_bytes(content[: len(content) // 2])
        self._step()
        super().write(path, content)

    def make_folder(self, folder: Path) -> None:
        self._step()
        super().make_folder(folder)

    def rename(self, old: Path, new: Path) -> None:
        self._step()
        super().rename(old, new)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)

    def remove_folder(self, folder: Path) -> None:
        if self.left == 0 and self.half:
            next(path for path in folder.rglob("*") if path.is_file()).unlink()
        self._step()
        super().remove_folder(folder)


def killed(root: Path, steps: int, half: bool, act: Callable[[FolderAdapterStore], object]) -> bool:
    """Whether it was killed; else it was done."""
    child = os.fork()
    if child == 0:
        try:
            act(FolderAdapterStore(root, DyingDisk(steps, half)))
        finally:
            os._exit(0 if steps else 9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


class TestFolderAdapterStore(AdapterStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderAdapterStore:
        return FolderAdapterStore(tmp_path / "adapters")

    @pytest.mark.parametrize("half", [False, True])
    def test_kill_9_at_any_step_leaves_whole_adapters_and_one_pointer(self, store, tmp_path, half):
        root, first, second = tmp_path / "adapters", trained(tmp_path / "one"), trained(tmp_path / "two", 2.0)
        take_in(store, "night-1", first)
        before = store.point(lambda old: replace(old, live="night-1"))

        def night(own: FolderAdapterStore) -> None:
            take_in(own, "night-2", second)
            own.point(lambda old: replace(old, live="night-2", previous="night-1"))
            own.remove("night-1")

        seen = set()
        for steps in range(1, 40):
            finished = not killed(root, steps, half, night)
            pointer, names = store.serving(), list(store.names())
            seen.add((pointer.live, *names))
            for name in names:
                store.manifest(name)
            assert pointer.live in names
            if finished:
                break
            # the next one to come finds a store to work with
            take_in(store, "night-1", first)
            store.point(lambda old: replace(old, live="night-1", previous=None))
            store.remove("night-2")
            assert not list(root.glob(".adding-*")) + list(root.glob(".removing-*"))
        assert finished
        assert seen >= {("night-1", "night-1"), ("night-1", "night-1", "night-2"), ("night-2", "night-1", "night-2")}
        assert store.serving().number > before.number

    def test_a_file_that_was_changed_afterwards_is_found(self, store, tmp_path):
        take_in(store, "night-1", trained(tmp_path / "out"))
        weights = tmp_path / "adapters" / "night-1" / "adapter_model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        with pytest.raises(AdapterRefused, match="not the one that was taken in"):
            store.manifest("night-1")
        with pytest.raises(AdapterRefused, match="not the one that was taken in"):
            store.point(lambda old: replace(old, live="night-1"))

    def test_a_copy_under_another_name_is_refused(self, store, tmp_path):
        take_in(store, "night-1", trained(tmp_path / "out"))
        (tmp_path / "adapters" / "night-1").rename(tmp_path / "adapters" / "night-2")
        with pytest.raises(AdapterRefused, match="another one's"):
            store.manifest("night-2")

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"live": 7}', '{"since": "2026-01-01", "who": 1}'])
    def test_a_pointer_that_is_none_of_ours_is_told(self, store, tmp_path, content):
        (tmp_path / "adapters").mkdir()
        (tmp_path / "adapters" / "serving.json").write_text(content)
        with pytest.raises(AdapterRefused, match="no pointer of ours"):
            store.serving()

    def test_the_others_of_a_conversation_hear_the_same(self):
        serving = Serving(live="old", canary="new", canary_share=0.25)
        heard = [serving.adapter_for(f"conversation {n}") for n in range(4000)]
        assert heard == [replace(serving, number=9).adapter_for(f"conversation {n}") for n in range(4000)]
        assert heard.count("new") == pytest.approx(1000, abs=100)
        wider = [replace(serving, canary_share=0.5).adapter_for(f"conversation {n}") for n in range(4000)]
        assert all(after == "new" for before, after in zip(heard, wider, strict=True) if before == "new")
