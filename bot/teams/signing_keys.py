"""The keys that prove requests of Teams, fetched when one is missing and never within the event loop."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import InvalidKeyError
from jwt.algorithms import RSAAlgorithm

from answerloop.errors import ConfigurationError, Retryable
from answerloop.teams.service import LOOPBACK

log = logging.getLogger(__name__)

KEPT_SECONDS = 86_400.0
PAUSE_SECONDS = 60.0
"""Between two fetches, whoever asks for whatever key: so long a new key may be unknown."""
FETCH_SECONDS = 10.0
STEP_SECONDS = 4.0
MAX_REPLY_BYTES = 500_000


class KeysUnavailable(Retryable):
    """Whether a key is Microsoft's cannot be told right now."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`endorsements`: the channels whose requests it may sign."""

    public: RSAPublicKey
    endorsements: frozenset[str]


def download(url: str) -> bytes:
    """Raises KeysUnavailable."""
    body = bytearray()
    try:
        with (
            httpx.Client(timeout=STEP_SECONDS) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as reply,
        ):
            if reply.status_code != httpx.codes.OK:
                raise KeysUnavailable(f"the answer was {reply.status_code}")
            for chunk in reply.iter_bytes():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise KeysUnavailable("the answer is too large")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise KeysUnavailable(type(error).__name__) from None
    return bytes(body)


class SigningKeys:
    """What it has goes on working while Microsoft is out of reach."""

    def __init__(
        self,
        openid_url: str,
        fetch: Callable[[str], bytes] = download,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = FETCH_SECONDS,
    ) -> None:
        """Raises ConfigurationError."""
        self._openid_url = openid_url
        self._may_be_local = _is_local(openid_url)
        if not self._is_safe(openid_url):
            raise ConfigurationError("ANSWERLOOP_TEAMS_OPENID_URL must begin with https://, or be on this machine.")
        self._fetch = fetch
        self._clock = clock
        self._patience = patience_seconds
        self._lock = anyio.Lock()
        self._keys: dict[str, SigningKey] = {}
        self._asked_at = self._fetched_at = float("-inf")
        self._reached = False

    async def get(self, kid: str) -> SigningKey | None:
        """None: nobody signs with that key. Raises KeysUnavailable when nobody could be asked."""
        is_asking = self._lock.locked()
        if (kid not in self._keys) if is_asking else self._should_ask(kid):
            async with self._lock:
                if self._should_ask(kid):
                    await self._ask()
        key = self._keys.get(kid)
        if key is None and not self._reached:
            raise KeysUnavailable("the keys of Teams are out of reach")
        return key

    def _should_ask(self, kid: str) -> bool:
        now = self._clock()
        is_missing = kid not in self._keys or now - self._fetched_at >= KEPT_SECONDS
        return is_missing and now - self._asked_at >= PAUSE_SECONDS

    async def _ask(self) -> None:
        """The thread is left alone when it takes too long: all its parts have time limits, but not their sum."""
        self._asked_at, self._reached = self._clock(), False
        try:
            with anyio.fail_after(self._patience):
                self._keys = await anyio.to_thread.run_sync(
                    self._fetch_keys, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
                )
        except (KeysUnavailable, TimeoutError) as error:
            log.warning("the keys of Teams are out of reach", extra={"error": str(error) or "it took too long"})
        else:
            self._fetched_at, self._reached = self._clock(), True

    def _fetch_keys(self) -> dict[str, SigningKey]:
        """Raises KeysUnavailable."""
        keys_url = _parsed(self._fetch(self._openid_url)).get("jwks_uri")
        if not isinstance(keys_url, str) or not self._is_safe(keys_url):
            raise KeysUnavailable("the metadata name no safe address of keys")
        found = dict(_usable(_parsed(self._fetch(keys_url)).get("keys")))
        if not found:
            raise KeysUnavailable("the answer has no keys")
        return found

    def _is_safe(self, url: str) -> bool:
        return url.lower().startswith("https://") or (self._may_be_local and _is_local(url))


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise KeysUnavailable("the answer is not JSON") from None
    if not isinstance(value, dict):
        raise KeysUnavailable("the answer is not an object")
    return value


def _usable(keys: Any) -> Iterator[tuple[str, SigningKey]]:
    """Public RSA keys with a name; what else stands there is not for us."""
    for jwk in keys if isinstance(keys, list) else ():
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
            continue
        try:
            public = RSAAlgorithm.from_jwk(jwk)
        except (InvalidKeyError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(public, RSAPublicKey):
            endorsed = jwk.get("endorsements")
            named = endorsed if isinstance(endorsed, list) else ()
            yield jwk["kid"], SigningKey(public, frozenset(each for each in named if isinstance(each, str)))
