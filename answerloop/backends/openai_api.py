"""Calls to an OpenAI-compatible endpoint, with its errors in our words.

Nothing of a request or of an endpoint's reply is ever put into an error: either may hold what people wrote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from answerloop.endpoints import host_of
from answerloop.errors import GenerationTimedOut, GeneratorUnavailable

CONNECT_SECONDS = 5.0
TRY_AGAIN = frozenset({408, 409, 429})
FAILED = 500
SETTINGS = {
    400: "ANSWERLOOP_OPENAI_MODEL, ANSWERLOOP_OPENAI_EXTRA and ANSWERLOOP_OPENAI_WINDOW",
    401: "ANSWERLOOP_OPENAI_API_KEY",
    403: "ANSWERLOOP_OPENAI_API_KEY and what it allows",
    404: "ANSWERLOOP_OPENAI_URL (it mostly ends in /v1) and ANSWERLOOP_OPENAI_MODEL",
}
_UNSAID = (
    *("OpenAI-Organization", "OpenAI-Project", "X-Stainless-Lang", "X-Stainless-Package-Version", "X-Stainless-OS"),
    *("X-Stainless-Arch", "X-Stainless-Runtime", "X-Stainless-Runtime-Version", "X-Stainless-Async"),
)
"""What the client tells of the machine it runs on, or takes from variables that are none of our settings."""


class EndpointRefused(GeneratorUnavailable):
    """The endpoint does not take our requests: somebody has to look at the settings."""


class TryAgain(GeneratorUnavailable):
    """The same request may succeed in a moment; `seconds`: the endpoint's own word for when."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


def connect(url: str, key: str, transport: httpx2.BaseTransport | None = None) -> openai.OpenAI:
    """A client that goes to this address and nowhere else: no redirects, and no proxy that could read along."""
    http = httpx2.Client(follow_redirects=False, trust_env=url.startswith("https://"), transport=transport)
    unsaid = {name: openai.Omit() for name in _UNSAID}
    return openai.OpenAI(
        base_url=url,
        api_key=key or "none",
        max_retries=0,
        http_client=http,
        default_headers={"User-Agent": "answerloop", **unsaid},  # type: ignore[dict-item]
    )


def in_our_words(error: Exception, url: str) -> GeneratorUnavailable:
    """What went wrong before or while the endpoint spoke."""
    host = host_of(url)
    if isinstance(error, openai.APITimeoutError):
        return GenerationTimedOut(f"{host} did not answer in time.")
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        if status in TRY_AGAIN or status >= FAILED:
            return TryAgain(f"{host} answers with status {status}.", retry_after(error.response.headers))
        check = SETTINGS.get(status, "ANSWERLOOP_OPENAI_URL")
        return EndpointRefused(f"{host} refuses our requests with status {status}: check {check}.")
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError | OSError):
        return TryAgain(f"{host} is out of reach.")
    return GeneratorUnavailable(f"{host} failed, or does not speak as it should ({type(error).__name__}).")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, never negative; None where nothing was said that could be understood."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else math.inf
    try:
        moment = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
