"""Adapters that vLLM loads at run time. Whoever reaches this route can load files there: keep it on a private port."""

from __future__ import annotations

import threading
import time
from pathlib import Path, PurePosixPath

import httpx2
import openai

from answerloop.backends.adapters_folder import checked
from answerloop.backends.openai_api import in_our_words
from answerloop.errors import AdapterRefused, GeneratorUnavailable

LOAD_SECONDS = 60.0
BAD_REQUEST = 400
_THERE_ALREADY = "already been loaded"


class VllmAdapters:
    """Which adapters of ours a vLLM has loaded, as far as this process knows. While one is loaded, those who speak with
    another do not wait."""

    def __init__(self, client: openai.OpenAI, folder: Path, there: str, base_model: str) -> None:
        """`folder` is where adapters are here, `there` where that server sees the same folder; empty: at the same
        place. Only adapters of `base_model` are loaded, which the server has to serve."""
        self._client = client
        self._folder = folder
        self._there = PurePosixPath(there or folder.as_posix())
        self._base_model = base_model
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self._loading: dict[str, threading.Lock] = {}

    def require(self, name: str, seconds: float) -> bool:
        """Have it loaded unless it is; whether that was done now. Raises GeneratorUnavailable."""
        with self._lock:
            if name in self._loaded:
                return False
            loading = self._loading.setdefault(name, threading.Lock())
        began = time.monotonic()
        if not loading.acquire(timeout=max(0.0, seconds)):
            raise GeneratorUnavailable(f"The adapter {name} is still being loaded.")
        try:
            with self._lock:
                if name in self._loaded:
                    return False
            self._load(name, seconds - (time.monotonic() - began))
            with self._lock:
                self._loaded.add(name)
            return True
        finally:
            loading.release()

    def forget(self, name: str) -> bool:
        """The server does not have it any more. Whether it was known to."""
        with self._lock:
            known = name in self._loaded
            self._loaded.discard(name)
            return known

    def _load(self, name: str, seconds: float) -> None:
        try:
            manifest = checked(self._folder / name)
        except AdapterRefused as error:
            raise GeneratorUnavailable(str(error)) from error
        if manifest.base_model != self._base_model:
            raise GeneratorUnavailable(
                f"The adapter {name} was trained on {manifest.base_model}, and this is {self._base_model}."
            )
        body = {"lora_name": name, "lora_path": str(self._there / name)}
        limit = max(0.1, min(LOAD_SECONDS, seconds))
        try:
            self._client.post("/load_lora_adapter", cast_to=httpx2.Response, body=body, options={"timeout": limit})
        except openai.APIStatusError as error:
            if error.status_code == BAD_REQUEST and _THERE_ALREADY in error.response.text:
                return
            raise in_our_words(error, str(self._client.base_url)) from None
        except (openai.OpenAIError, httpx2.HTTPError, OSError) as error:
            raise in_our_words(error, str(self._client.base_url)) from None
