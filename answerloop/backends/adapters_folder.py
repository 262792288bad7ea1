"""Adapters in a folder: one folder for each, its manifest written last, and one pointer file for all.

adapters/<name>/{adapter_model.safetensors, adapter_config.json, manifest.json}
adapters/serving.json
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from answerloop.domain import BASE_ADAPTER, AdapterManifest, Serving
from answerloop.errors import AdapterRefused

WEIGHTS, CONFIGURATION = "adapter_model.safetensors", "adapter_config.json"
MANIFEST, POINTER = "manifest.json", "serving.json"
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_RESERVED = (BASE_ADAPTER, POINTER)


class Disk:
    """The single steps that a write is made of; a power cut may come between any two of them."""

    def make_folder(self, folder: Path) -> None:
        folder.mkdir()

    def write(self, path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)

    def sync_folder(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def remove_folder(self, folder: Path) -> None:
        shutil.rmtree(folder)


class FolderAdapterStore:
    """An `AdapterStore`. What a writer that died has left lies under names that begin with a dot, and the next one
    takes it away."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._pointer = root / POINTER
        self._disk = disk or Disk()

    def add(self, name: str, folder: Path, *, base_model: str, run: str, dataset: str) -> AdapterManifest:
        _require_name(name)
        content = _taken(folder)
        hashes = {file: hashlib.sha256(data).hexdigest() for file, data in content.items()}
        manifest = AdapterManifest(name, base_model, run, dataset, hashes)
        with self._alone():
            place = self._root / name
            if place.exists():
                if self.manifest(name) != manifest:
                    raise AdapterRefused(f"There is another adapter of the name {name}.")
                return manifest
            beside = self._root / f".adding-{name}"
            self._disk.make_folder(beside)
            for file, data in content.items():
                self._disk.write(beside / file, data)
            self._disk.write(beside / MANIFEST, _as_json(asdict(manifest)))
            self._disk.sync_folder(beside)
            self._disk.rename(beside, place)
            self._disk.sync_folder(self._root)
        return manifest

    def names(self) -> Sequence[str]:
        return sorted(path.parent.name for path in self._root.glob(f"[!.]*/{MANIFEST}"))

    def manifest(self, name: str) -> AdapterManifest:
        _require_name(name)
        return checked(self._root / name)

    def remove(self, name: str) -> None:
        _require_name(name)
        with self._alone():
            if name in self.serving().adapters:
                raise AdapterRefused(f"The adapter {name} speaks.")
            if (self._root / name).exists():
                going = self._root / f".removing-{name}"
                self._disk.rename(self._root / name, going)
                self._disk.sync_folder(self._root)
                self._disk.remove_folder(going)

    def serving(self) -> Serving:
        return read_pointer(self._pointer)

    def point(self, change: Callable[[Serving], Serving]) -> Serving:
        with self._alone():
            old = self.serving()
            new = replace(change(old), number=old.number, since=old.since)
            if new == old:
                return old
            if new.canary is not None and (new.canary == new.live or not 0 < new.canary_share <= 1):
                raise AdapterRefused("A canary is another adapter than the live one, with a share above 0 and up to 1.")
            for name in new.adapters - old.adapters:
                self.manifest(name)
            new = replace(new, number=old.number + 1, since=datetime.now(UTC))
            beside = self._root / f".{POINTER}"
            since = new.since.isoformat() if new.since else None
            self._disk.write(beside, _as_json({**asdict(new), "since": since}))
            self._disk.rename(beside, self._pointer)
            self._disk.sync_folder(self._root)
            return new

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock goes with whoever holds it, also when they die."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left in [*self._root.glob(".adding-*"), *self._root.glob(".removing-*")]:
                self._disk.remove_folder(left)
            yield
        finally:
            os.close(handle)


def read_pointer(path: Path) -> Serving:
    """Nobody is live before the first one is. Raises AdapterRefused when somebody else has written there."""
    try:
        found = json.loads(path.read_bytes())
        since = datetime.fromisoformat(found.pop("since"))
        return Serving(**found, since=since)
    except FileNotFoundError:
        return Serving()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise AdapterRefused(f"{path} is no pointer of ours: {error!r}") from None


def checked(folder: Path) -> AdapterManifest:
    """The manifest, if every file is the one that it tells of. Raises AdapterRefused."""
    try:
        found = AdapterManifest(**json.loads((folder / MANIFEST).read_bytes()))
    except FileNotFoundError:
        raise AdapterRefused(f"There is no whole adapter {folder.name} in {folder.parent}.") from None
    except (OSError, ValueError, TypeError) as error:
        raise AdapterRefused(f"The manifest of the adapter {folder.name} is none: {error!r}") from None
    if found.name != folder.name or set(found.files) != {WEIGHTS, CONFIGURATION}:
        raise AdapterRefused(f"The manifest of the adapter {folder.name} is another one's.")
    for file, digest in found.files.items():
        path = folder / file
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise AdapterRefused(f"{file} of the adapter {folder.name} is not the one that was taken in.")
    return found


def _taken(folder: Path) -> dict[str, bytes]:
    """What is taken of a folder that training has left. Pickles can run code when they are loaded."""
    pickled = [path.name for path in folder.rglob("*") if path.suffix in PICKLED] if folder.is_dir() else []
    if pickled:
        raise AdapterRefused(f"{folder} holds a pickled file ({pickled[0]}): only safetensors are taken.")
    try:
        content = {file: (folder / file).read_bytes() for file in (WEIGHTS, CONFIGURATION)}
        with safe_open(folder / WEIGHTS, "np") as weights:  # reads the header and compares the length
            is_empty = not weights.keys()
        kind = json.loads(content[CONFIGURATION])["peft_type"]
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise AdapterRefused(f"{folder} holds no adapter in safetensors: {error!r}") from None
    if is_empty or kind != "LORA":
        raise AdapterRefused(f"{folder} holds no LoRA adapter.")
    return content


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise AdapterRefused(f"{name!r} is not the name of an adapter.")


def _as_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"
