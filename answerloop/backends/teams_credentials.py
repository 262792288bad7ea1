"""Who we are for Microsoft: tokens of the app, through its own sign-in library, which keeps them until they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import msal
import requests

from answerloop.errors import DeliveryUnavailable
from answerloop.settings import Settings

BOT_SCOPE = "https://api.botframework.com"
GRAPH_SCOPE = "https://graph.microsoft.com"
ANY_TENANT = "botframework.com"
"""Where a multi-tenant app gets its tokens for the connector."""
LOGIN = "https://login.microsoftonline.com/"
SIGN_IN_SECONDS = 10
PASSING = frozenset({"temporarily_unavailable", "server_error", "service_unavailable"})
UNTIL_MENDED_SECONDS = 60.0
"""Between two attempts while a secret has run out: that is the operator's to mend, and no answer is lost for it."""

Tokens: TypeAlias = Callable[[], str]
"""Gives the token to be sent along; an empty one where none is asked for. Raises DeliveryUnavailable."""


class AppTokens:
    """Tokens for one scope. One thread asks at a time: one request for a token, not one for each message; and whoever
    has waited while it failed does not wait for a second failure."""

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._failed_at = 0.0
        self._failure = ""

    def __call__(self) -> str:
        came_at = time.monotonic()
        with self._lock:
            if self._failed_at > came_at:
                raise DeliveryUnavailable(self._failure)
            try:
                reply = self._ask()
            except (requests.RequestException, msal.ManagedIdentityError, ValueError, RuntimeError) as error:
                self._failed_at = time.monotonic()
                self._failure = f"Microsoft's sign-in is out of reach: {type(error).__name__}"
                raise DeliveryUnavailable(self._failure) from None
        if "access_token" in reply:
            return str(reply["access_token"])
        reason = str(reply.get("error", "unknown_error"))
        if reason in PASSING:
            raise DeliveryUnavailable(f"Microsoft's sign-in says {reason}")
        raise DeliveryUnavailable(
            f"Microsoft's sign-in says {reason}: check ANSWERLOOP_TEAMS_APP_ID and its password.", UNTIL_MENDED_SECONDS
        )


def tokens(settings: Settings, scope: str = BOT_SCOPE, http: Any = None) -> Tokens:
    """For the app of the settings. Asks nobody before the first token is needed. `http` is what MSAL calls with, in
    place of its own."""
    if settings.teams == "development":
        return str
    if settings.teams == "managed_identity":
        return AppTokens(_Managed(settings.teams_app_id, scope, http))
    tenant = ANY_TENANT if settings.teams == "multi_tenant" and scope == BOT_SCOPE else settings.teams_tenant_id
    return AppTokens(_Registered(settings, LOGIN + tenant, scope, http))


class _Registered:
    """An app with a client secret."""

    def __init__(self, settings: Settings, authority: str, scope: str, http: Any) -> None:
        self._settings = settings
        self._http = http
        self._authority = authority
        self._scopes = [f"{scope}/.default"]
        self._app: msal.ConfidentialClientApplication | None = None

    def __call__(self) -> dict[str, Any]:
        if self._app is None:
            self._app = msal.ConfidentialClientApplication(
                self._settings.teams_app_id,
                client_credential=self._settings.teams_app_password.get_secret_value(),
                authority=self._authority,
                timeout=SIGN_IN_SECONDS,
                http_client=self._http,
            )
        return dict(self._app.acquire_token_for_client(self._scopes))


class _Managed:
    """A user-assigned managed identity, which needs no secret."""

    def __init__(self, client_id: str, scope: str, http: Any) -> None:
        self._scope = scope
        identity = msal.UserAssignedManagedIdentity(client_id=client_id)
        self._client = msal.ManagedIdentityClient(identity, http_client=http or _Impatient())

    def __call__(self) -> dict[str, Any]:
        return dict(self._client.acquire_token_for_client(resource=self._scope))


class _Impatient(requests.Session):
    """Never waits for ever, which a plain session would."""

    def request(self, *arguments: Any, **named: Any) -> requests.Response:
        return super().request(*arguments, **{"timeout": SIGN_IN_SECONDS, **named})
