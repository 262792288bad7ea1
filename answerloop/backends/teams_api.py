"""The few calls of the Bot Connector's REST interface that we need, with its errors in our words.

Not through the SDK's client: it drops what it does not know of an activity, has no timeouts, and takes an error page
for a fault of its own (`docs/decisions/0011-teams-without-its-connector-client.md`). Nothing is retried here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from answerloop.backends.teams_credentials import UNTIL_MENDED_SECONDS, Tokens
from answerloop.errors import DeliveryImpossible, DeliveryUnavailable, DeliveryUncertain
from answerloop.teams.service import is_trusted

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 10.0
PAGE, MOST_PAGES = 500, 100
TOO_MANY, TOO_LARGE, CONFLICT, REFUSED_TOKEN, FORBIDDEN, NOT_FOUND = 429, 413, 412, 401, 403, 404
NOT_DONE = frozenset({CONFLICT, 503})
"""Said before anything was done, of messages; a failure (500) and gateways that did not get an answer (502, 504) are
in doubt."""
FAILED = 500
UNSUPPORTED = frozenset({405, 501})
BUSY_SECONDS = 2.0
LONGEST_WAIT = 300.0


class Gone(DeliveryImpossible):
    """The service's answer was a no for good; `status` is its number."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"Teams says {status} {code}".strip())
        self.status = status


class TeamsApi:
    """Safe to call from many threads; keeps its connections. `hosts` are those it may talk to."""

    def __init__(
        self,
        tokens: Tokens,
        hosts: tuple[str, ...],
        *,
        development: bool,
        connect_seconds: float = CONNECT_SECONDS,
        reply_seconds: float = REPLY_SECONDS,
    ) -> None:
        self._tokens = tokens
        self._hosts = hosts
        self._development = development
        timeout = httpx.Timeout(reply_seconds, connect=connect_seconds)
        self._http = httpx.Client(timeout=timeout, follow_redirects=False, trust_env=True)

    def close(self) -> None:
        self._http.close()

    def post(self, service_url: str, conversation: str, activity: Mapping[str, Any]) -> str:
        """The id of the new message. Raises as every method here: DeliveryUnavailable (nothing happened),
        DeliveryUncertain (perhaps it did), Gone."""
        return _id(self._call("POST", service_url, f"{_of(conversation)}/activities", activity))

    def show_typing(self, service_url: str, conversation: str) -> None:
        self._call("POST", service_url, f"{_of(conversation)}/activities", {"type": "typing"})

    def put(self, service_url: str, conversation: str, message_id: str, activity: Mapping[str, Any]) -> None:
        self._call("PUT", service_url, f"{_of(conversation)}/activities/{quote(message_id, safe='')}", activity)

    def delete(self, service_url: str, conversation: str, message_id: str) -> None:
        self._call("DELETE", service_url, f"{_of(conversation)}/activities/{quote(message_id, safe='')}")

    def open_personal(self, service_url: str, bot: str, account: str, tenant: str) -> str:
        """The conversation with one person; opening it again gives the same one."""
        body = {
            "bot": {"id": bot},
            "members": [{"id": account}],
            "isGroup": False,
            "tenantId": tenant,
            "channelData": {"tenant": {"id": tenant}},
        }
        return _id(self._call("POST", service_url, "v3/conversations", body))

    def members(self, service_url: str, conversation: str) -> Iterator[dict[str, Any]]:
        """Everybody who reads the conversation, page by page; never a part of them."""
        token = ""
        for _ in range(MOST_PAGES):
            query = f"?pageSize={PAGE}" + (f"&continuationToken={quote(token, safe='')}" if token else "")
            page = self._call("GET", service_url, f"{_of(conversation)}/pagedmembers{query}")
            members = page.get("members")
            if not isinstance(members, list) or not all(isinstance(each, dict) for each in members):
                raise DeliveryUncertain("Teams has not said who is there.")
            yield from members
            token = str(page.get("continuationToken") or "")
            if not token:
                return
        raise DeliveryUncertain("Teams does not come to an end with who is there.")

    def member(self, service_url: str, conversation: str, account: str) -> dict[str, Any]:
        return self._call("GET", service_url, f"{_of(conversation)}/members/{quote(account, safe='')}")

    def _call(self, method: str, service_url: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if not is_trusted(service_url, self._hosts, development=self._development):
            raise Gone(0, "its address is none of ANSWERLOOP_TEAMS_SERVICE_HOSTS")
        token = self._tokens()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{service_url.rstrip('/')}/{path}"
        try:
            reply = self._http.request(method, url, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise DeliveryUnavailable("Teams is out of reach.") from None
        except httpx.InvalidURL:
            raise Gone(0, "its address cannot be called") from None
        except httpx.HTTPError:
            raise DeliveryUncertain("The connection to Teams broke.") from None
        if reply.is_success:
            return _content(reply)
        raise _refusal(reply)


def _of(conversation: str) -> str:
    return f"v3/conversations/{quote(conversation, safe='')}"


def _id(content: dict[str, Any]) -> str:
    if not content.get("id"):
        raise DeliveryUncertain("Teams has not said what it made.")
    return str(content["id"])


def _content(reply: httpx.Response) -> dict[str, Any]:
    try:
        content = reply.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _refusal(reply: httpx.Response) -> DeliveryUnavailable | Gone:
    """What Teams means by it (Microsoft: "Status codes from bot conversational APIs")."""
    status = reply.status_code
    if status == TOO_MANY:
        return DeliveryUnavailable("Teams asks us to wait.", retry_after_seconds=_seconds(reply) or BUSY_SECONDS)
    if status == REFUSED_TOKEN:
        return DeliveryUnavailable("Teams does not take our token.", retry_after_seconds=UNTIL_MENDED_SECONDS)
    if status in NOT_DONE:
        return DeliveryUnavailable(f"Teams says {status}.", retry_after_seconds=_seconds(reply))
    if status >= FAILED and status not in UNSUPPORTED:
        return DeliveryUncertain(f"Teams failed with {status}.")
    error = _content(reply).get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    return Gone(status, code[:80])


def _seconds(reply: httpx.Response) -> float | None:
    said = reply.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT) if said.isdecimal() else None
