"""Who people are in Entra and which groups they are in, from Microsoft Graph. Optional.

The app needs the application permissions User.Read.All and GroupMember.Read.All, consented to by an administrator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from answerloop.backends.teams_credentials import Tokens
from answerloop.errors import ConfigurationError, DeliveryImpossible, DeliveryUnavailable, DirectoryUnavailable

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 10.0
MOST_PAGES = 20
NOT_FOUND = 404
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
USER = "$select=id,displayName,mail,userType,accountEnabled"
GROUPS = "$select=id&$top=999&$count=true"
_OBJECT_ID = re.compile(r"[0-9A-Za-z-]+")
HEADERS = {"ConsistencyLevel": "eventual"}  # Graph asks for both where only groups are wanted


@dataclass(frozen=True, slots=True)
class EntraUser:
    """`enabled`: may sign in. `groups` are object ids, of groups within groups too."""

    name: str
    mail: str
    guest: bool
    enabled: bool
    groups: frozenset[str]


class GraphPeople:
    """Safe to call from many threads. Every method raises DirectoryUnavailable."""

    def __init__(self, tokens: Tokens, base_url: str, *, reply_seconds: float = REPLY_SECONDS) -> None:
        self._tokens = tokens
        self._base = httpx.URL(base_url.rstrip("/") + "/")
        if self._base.scheme != "https" and self._base.host not in LOOPBACK:
            raise ConfigurationError("ANSWERLOOP_TEAMS_GRAPH_URL must be https: tokens are sent there.")
        timeout = httpx.Timeout(reply_seconds, connect=CONNECT_SECONDS)
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def facts(self, object_id: str) -> EntraUser | None:
        """None for somebody who is not there."""
        if not _OBJECT_ID.fullmatch(object_id):
            return None
        path = f"users/{object_id}"
        user = self._get(self._base.join(f"{path}?{USER}"))
        groups = self._groups(f"{path}/transitiveMemberOf/microsoft.graph.group?{GROUPS}") if user else None
        if user is None or groups is None:
            return None
        return EntraUser(
            name=str(user.get("displayName") or ""),
            mail=str(user.get("mail") or ""),
            guest=str(user.get("userType")).casefold() != "member",
            enabled=user.get("accountEnabled") is True,
            groups=groups,
        )

    def _groups(self, path: str) -> frozenset[str] | None:
        found = set[str]()
        where = self._base.join(path)
        for _ in range(MOST_PAGES):
            page = self._get(where)
            if page is None:
                return None
            try:
                found.update(str(group["id"]) for group in page["value"])
            except (KeyError, TypeError):
                raise DirectoryUnavailable("Microsoft Graph has not said which groups somebody is in.") from None
            if not page.get("@odata.nextLink"):
                return frozenset(found)
            where = self._next(str(page["@odata.nextLink"]))
        raise DirectoryUnavailable("Microsoft Graph does not come to an end with somebody's groups.")

    def _next(self, link: str) -> httpx.URL:
        """Graph says where the next page is; our token goes nowhere else."""
        try:
            url = httpx.URL(link)
        except httpx.InvalidURL:
            raise DirectoryUnavailable("Microsoft Graph's next page has no address.") from None
        if (url.scheme, url.host, url.port, url.userinfo) != (self._base.scheme, self._base.host, self._base.port, b""):
            raise DirectoryUnavailable("Microsoft Graph's next page is on another host.")
        return url

    def _get(self, url: httpx.URL) -> dict[str, Any] | None:
        try:
            token = self._tokens()
            reply = self._http.get(url, headers={**HEADERS, "Authorization": f"Bearer {token}"})
        except (DeliveryUnavailable, DeliveryImpossible) as error:
            raise DirectoryUnavailable(str(error)) from None
        except httpx.HTTPError as error:
            raise DirectoryUnavailable(f"Microsoft Graph is out of reach: {type(error).__name__}") from None
        if reply.status_code == NOT_FOUND:
            return None
        try:
            content = reply.json() if reply.is_success else None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise DirectoryUnavailable(f"Microsoft Graph says {reply.status_code}.")
        return content
