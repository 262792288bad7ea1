"""Calls to Label Studio, with its errors in our words. Nothing is retried here: whoever calls tries again later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from label_studio_sdk.client import LabelStudio
from label_studio_sdk.core.api_error import ApiError

from answerloop.errors import ReviewQueueRefused, ReviewQueueUnavailable, ReviewQueueUncertain, TaskRefused

CALL_SECONDS = 20
BAD_REQUEST, UNAUTHENTICATED, FORBIDDEN, MISSING = 400, 401, 403, 404
ONCE = {"max_retries": 0, "timeout_in_seconds": CALL_SECONDS}
"""Of every call: the library would repeat a POST that failed half-way."""


def client(url: str, token: str, connections: httpx.Client) -> LabelStudio:
    """`connections` are the caller's to close."""
    return LabelStudio(base_url=url, api_key=token, timeout=CALL_SECONDS, httpx_client=connections)


def connections() -> httpx.Client:
    return httpx.Client(timeout=CALL_SECONDS, follow_redirects=True)


class Missing(ReviewQueueUnavailable):
    """What was asked for is not there (any more)."""


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        raise _refusal(error) from None
    except httpx.HTTPError as error:
        raise ReviewQueueUnavailable(f"Label Studio does not answer: {type(error).__name__}") from None


@contextmanager
def importing() -> Iterator[None]:
    """Of a request that makes tasks: unless it was refused, or never sent, they may come into being."""
    try:
        yield
    except ApiError as error:
        if error.status_code == BAD_REQUEST:
            raise TaskRefused(f"Label Studio does not take the task: {_said(error)}") from None
        known = error.status_code in (UNAUTHENTICATED, FORBIDDEN, MISSING)
        raise _refusal(error) if known else ReviewQueueUncertain(f"Label Studio failed: {error.status_code}") from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ReviewQueueUnavailable(f"Label Studio does not answer: {type(error).__name__}") from None
    except httpx.HTTPError as error:
        raise ReviewQueueUncertain(f"Label Studio broke off: {type(error).__name__}") from None


def _refusal(error: ApiError) -> Exception:
    if error.status_code in (UNAUTHENTICATED, FORBIDDEN):
        return ReviewQueueRefused(f"Label Studio does not know our token ({error.status_code}).")
    if error.status_code == BAD_REQUEST:
        return ReviewQueueRefused(f"Label Studio refuses: {_said(error)}")
    if error.status_code == MISSING:
        return Missing("Label Studio does not have it.")
    return ReviewQueueUnavailable(f"Label Studio failed: {error.status_code}")


def _said(error: ApiError) -> str:
    """Why, without what it quotes of a task."""
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("detail") or "no reason given")[:200]
