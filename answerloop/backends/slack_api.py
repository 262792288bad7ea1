"""Calls to Slack, with its errors in our words. Nothing is retried here: who may try again is decided by the caller."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain

CALL_SECONDS = 10
TOO_MANY = 429
FAILED = 500

TOO_OFTEN = frozenset({"ratelimited", "rate_limited"})
HALF_DONE = frozenset({"internal_error", "fatal_error"})
"""Slack's own word for these: some of it may have been done."""
PASSING = frozenset(
    {"accesslimited", "external_channel_migrating", "fetch_members_failed", "org_login_required", "request_timeout",
     "service_unavailable", "streaming_state_conflict", "team_added_to_org", "token_expired"}
)  # fmt: skip
"""What a second try may change. Whatever else Slack says is about the request itself, or for good."""


class Refused(DeliveryUnavailable):
    """Slack's answer was no, for now; `code` is its own word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack says {code}")
        self.code = code


class Gone(DeliveryImpossible):
    """Slack's answer was a no for good; `code` is its own word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack says {code}")
        self.code = code


def client(token: str, api_url: str) -> WebClient:
    return WebClient(token=token, base_url=api_url, timeout=CALL_SECONDS, retry_handlers=[])


def call(method: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """Raises Refused or DeliveryUnavailable (nothing happened), DeliveryUncertain (perhaps it did), Gone."""
    try:
        return dict(method(**arguments).data)
    except SlackApiError as error:
        response = error.response
        raise refusal(response.status_code, response.headers, str(response.get("error"))) from None
    except (OSError, HTTPException, SlackRequestError) as error:
        raise unreachable(error) from None


def refusal(status: int, headers: Mapping[str, Any], code: str) -> DeliveryUnavailable | Gone:
    if status == TOO_MANY or code in TOO_OFTEN:
        return DeliveryUnavailable("Slack asks us to wait.", retry_after_seconds=_seconds(headers))
    if status >= FAILED or code in HALF_DONE or not re.fullmatch(r"[a-z0-9_.:-]+", code):
        return DeliveryUncertain(f"Slack failed with {status}.")
    return Refused(code) if code in PASSING else Gone(code)


def unreachable(error: Exception) -> DeliveryUnavailable:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ConnectionRefusedError | socket.gaierror):
        return DeliveryUnavailable("Slack is out of reach.")
    return DeliveryUncertain("The connection to Slack broke.")


def _seconds(headers: Mapping[str, Any]) -> float:
    """One second where Slack says nothing that could be understood."""
    values = [value for name, value in headers.items() if name.lower() == "retry-after"]
    first = values[0] if values else ""
    first = first[0] if isinstance(first, list) else first
    return float(first) if str(first).isdecimal() else 1.0
