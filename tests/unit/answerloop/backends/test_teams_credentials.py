import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msal
import pytest
import requests
from requests.adapters import BaseAdapter

from answerloop.backends.teams_credentials import GRAPH_SCOPE, SIGN_IN_SECONDS, AppTokens, _Impatient, tokens
from answerloop.errors import DeliveryUnavailable
from answerloop.settings import Settings

REGISTERED = {"teams_app_id": "app", "teams_app_password": "secret", "teams_tenant_id": "tenant-1"}


@dataclass
class Reply:
    status_code: int
    content: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return json.dumps(self.content)


class SignIn:
    """Microsoft's sign-in, as MSAL calls it."""

    def __init__(self, **token: Any) -> None:
        self.token = token or {"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get(self, url: str, **named: Any) -> Reply:
        if "identity/oauth2/token" in url:
            self.asked.append((url, named["params"]))
            return Reply(200, {**self.token, "expires_in": "3600", "resource": named["params"]["resource"]})
        base = url.partition("/v2.0/")[0]
        names = ("authorization_endpoint", "token_endpoint", "issuer")
        return Reply(200, {name: f"{base}/oauth2/v2.0/{name}" for name in names})

    def post(self, url: str, data: Any = None, **named: Any) -> Reply:
        self.asked.append((url, data))
        time.sleep(0.02)
        return Reply(200 if "access_token" in self.token else 400, self.token)

    def close(self) -> None:
        """There is nothing to close."""


def the_settings(kind: str, **changed: str) -> Settings:
    return Settings(_env_file=None, teams=kind, **{**REGISTERED, **changed})


@pytest.mark.parametrize(
    ("kind", "scope", "authority"),
    [
        ("single_tenant", "https://api.botframework.com", "tenant-1"),
        ("multi_tenant", "https://api.botframework.com", "botframework.com"),
        ("multi_tenant", GRAPH_SCOPE, "tenant-1"),
    ],
)
def test_many_threads_need_one_request_for_a_token(kind, scope, authority):
    sign_in = SignIn()
    give = tokens(the_settings(kind), scope, sign_in)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: give(), range(24))) == {"t1"}
    [(url, said)] = sign_in.asked
    assert url == f"https://login.microsoftonline.com/{authority}/oauth2/v2.0/token_endpoint"
    assert said["scope"] == f"{scope}/.default"
    assert (said["client_id"], said["client_secret"]) == ("app", "secret")


def test_a_managed_identity_needs_no_secret_and_one_request():
    sign_in = SignIn()
    give = tokens(the_settings("managed_identity", teams_app_password=""), http=sign_in)
    assert {give() for _ in range(3)} == {"t1"}
    [(_, said)] = sign_in.asked
    assert said["resource"] == "https://api.botframework.com"
    assert said["client_id"] == "app"


def test_in_development_there_are_no_tokens():
    assert tokens(the_settings("development"))() == ""


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        ({"error": "temporarily_unavailable"}, DeliveryUnavailable, "temporarily_unavailable"),
        ({"error": "server_error"}, DeliveryUnavailable, "server_error"),
        ({"error": "invalid_client", "error_description": "secret s3cr3t"}, DeliveryUnavailable, "APP_ID"),
        ({}, DeliveryUnavailable, "unknown_error"),
        (requests.ConnectionError("to 10.0.0.1"), DeliveryUnavailable, "out of reach: ConnectionError"),
        (requests.Timeout(), DeliveryUnavailable, "out of reach: Timeout"),
        (msal.ManagedIdentityError("no identity here"), DeliveryUnavailable, "ManagedIdentityError"),
        (ValueError("no such tenant"), DeliveryUnavailable, "ValueError"),
        (RuntimeError("no discovery"), DeliveryUnavailable, "RuntimeError"),
    ],
)
def test_what_goes_wrong_is_said_in_our_words_and_without_secrets(reply, error, says):
    def ask() -> dict[str, Any]:
        if isinstance(reply, Exception):
            raise reply
        return reply

    with pytest.raises(error, match=says) as raised:
        AppTokens(ask)()
    assert "s3cr3t" not in str(raised.value)


def test_whoever_waited_while_it_failed_waits_no_second_time():
    asked = []
    everybody_came = threading.Barrier(4)

    def ask() -> dict[str, Any]:
        asked.append(1)
        time.sleep(0.2)
        raise requests.Timeout

    give = AppTokens(ask)

    def one(_: int) -> None:
        everybody_came.wait()
        with pytest.raises(DeliveryUnavailable):
            give()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert len(asked) == 1
    with pytest.raises(DeliveryUnavailable):
        give()
    assert len(asked) == 2


def test_the_identity_of_the_machine_is_not_waited_for_endlessly():
    class Recorder(BaseAdapter):
        def send(self, request: Any, **named: Any) -> requests.Response:
            timeouts.append(named["timeout"])
            response = requests.Response()
            response.status_code = 200
            return response

        def close(self) -> None:
            """There is nothing to close."""

    timeouts: list[Any] = []
    session = _Impatient()
    session.mount("http://", Recorder())
    session.get("http://169.254.169.254/")
    session.get("http://169.254.169.254/", timeout=1)
    assert timeouts == [SIGN_IN_SECONDS, 1]
