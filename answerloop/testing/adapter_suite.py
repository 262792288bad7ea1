"""What every `AdapterStore` must do."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from answerloop.domain import AdapterManifest, Serving
from answerloop.errors import AdapterRefused
from answerloop.ports import AdapterStore


def trained(folder: Path, value: float = 1.0) -> Path:
    """A folder as training leaves it, with more in it than is taken."""
    folder.mkdir(parents=True)
    save_file({"lora_A": np.full((2, 4), value, dtype=np.float32)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2}))
    (folder / "README.md").write_text("A card.")
    return folder


def take_in(store: AdapterStore, name: str, folder: Path) -> AdapterManifest:
    return store.add(name, folder, base_model="tiny", run="run-1", dataset="abc")


class AdapterStoreSuite:
    """Provide the fixture `store`: an empty `AdapterStore`."""

    def test_an_empty_store_has_nobody_to_speak(self, store: AdapterStore) -> None:
        assert list(store.names()) == []
        assert store.serving() == Serving()

    def test_what_was_added_is_there_with_the_hash_of_each_file(self, store: AdapterStore, tmp_path: Path) -> None:
        added = take_in(store, "night-1", trained(tmp_path / "out"))
        assert added == store.manifest("night-1")
        assert set(added.files) == {"adapter_model.safetensors", "adapter_config.json"}
        assert all(len(digest) == 64 for digest in added.files.values())
        assert list(store.names()) == ["night-1"]

    def test_the_same_once_more_changes_nothing_and_another_one_is_refused(
        self, store: AdapterStore, tmp_path: Path
    ) -> None:
        first = take_in(store, "night-1", trained(tmp_path / "out"))
        assert take_in(store, "night-1", tmp_path / "out") == first
        with pytest.raises(AdapterRefused, match="another adapter"):
            take_in(store, "night-1", trained(tmp_path / "other", 2.0))
        assert store.manifest("night-1") == first

    @pytest.mark.parametrize("name", ["", "base", "../night", ".night", "serving.json", "a" * 81, "a/b"])
    def test_a_name_that_is_none_is_refused(self, store: AdapterStore, tmp_path: Path, name: str) -> None:
        with pytest.raises(AdapterRefused, match="not the name"):
            take_in(store, name, trained(tmp_path / "out"))

    @pytest.mark.parametrize("pickled", ["adapter_model.bin", "optimizer.pt", "checkpoint-3/scheduler.pt"])
    def test_a_folder_with_something_pickled_is_refused(
        self, store: AdapterStore, tmp_path: Path, pickled: str
    ) -> None:
        folder = trained(tmp_path / "out")
        (folder / pickled).parent.mkdir(exist_ok=True)
        (folder / pickled).write_bytes(b"\x80\x04N.")
        with pytest.raises(AdapterRefused, match="pickled"):
            take_in(store, "night-1", folder)
        assert list(store.names()) == []

    def test_weights_that_are_cut_short_or_missing_are_refused(self, store: AdapterStore, tmp_path: Path) -> None:
        weights = trained(tmp_path / "out") / "adapter_model.safetensors"
        for content in (weights.read_bytes()[:-4], b"", b"\x80\x04N."):
            weights.write_bytes(content)
            with pytest.raises(AdapterRefused, match="no adapter in safetensors"):
                take_in(store, "night-1", tmp_path / "out")
        weights.unlink()
        with pytest.raises(AdapterRefused, match="no adapter in safetensors"):
            take_in(store, "night-1", tmp_path / "out")
        with pytest.raises(AdapterRefused, match="no adapter in safetensors"):
            take_in(store, "night-1", tmp_path / "nowhere")

    def test_another_method_than_lora_is_refused(self, store: AdapterStore, tmp_path: Path) -> None:
        (trained(tmp_path / "out") / "adapter_config.json").write_text('{"peft_type": "PROMPT_TUNING"}')
        with pytest.raises(AdapterRefused, match="no LoRA"):
            take_in(store, "night-1", tmp_path / "out")

    def test_the_pointer_counts_its_changes_and_knows_when_they_were(self, store: AdapterStore, tmp_path: Path) -> None:
        take_in(store, "night-1", trained(tmp_path / "out"))
        now = store.point(lambda old: replace(old, live="night-1"))
        assert (now.live, now.number) == ("night-1", 1)
        assert now.since is not None
        assert store.serving() == now
        assert store.point(lambda old: replace(old, live="night-1")) == now

    def test_only_whole_adapters_may_speak(self, store: AdapterStore) -> None:
        for change in (Serving(live="ghost"), Serving(canary="ghost", canary_share=0.1)):
            with pytest.raises(AdapterRefused, match="no whole adapter"):
                store.point(lambda _, change=change: change)  # type: ignore[misc]
        assert store.serving() == Serving()

    @pytest.mark.parametrize("share", [0.0, 1.1])
    def test_a_canary_has_a_share(self, store: AdapterStore, tmp_path: Path, share: float) -> None:
        take_in(store, "night-1", trained(tmp_path / "out"))
        with pytest.raises(AdapterRefused, match="share"):
            store.point(lambda old: replace(old, canary="night-1", canary_share=share))

    def test_writers_at_once_lose_no_change(self, store: AdapterStore, tmp_path: Path) -> None:
        for number in range(2):
            take_in(store, f"night-{number}", trained(tmp_path / f"out-{number}", number))

        def flip(_: int) -> None:
            store.point(lambda old: replace(old, live=f"night-{(old.number + 1) % 2}"))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(flip, range(20)))
        assert store.serving().number == 20

    def test_who_speaks_is_not_removed(self, store: AdapterStore, tmp_path: Path) -> None:
        take_in(store, "night-1", trained(tmp_path / "out"))
        store.point(lambda old: replace(old, live="night-1"))
        with pytest.raises(AdapterRefused, match="speaks"):
            store.remove("night-1")
        store.point(lambda old: replace(old, live=None))
        store.remove("night-1")
        store.remove("night-1")
        assert list(store.names()) == []
        with pytest.raises(AdapterRefused, match="no whole adapter"):
            store.manifest("night-1")
