"""A Microsoft of our own, which signs requests, and the door that they come to."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from bot.payload import field
from bot.teams.adapter import SdkAdapter
from bot.teams.door import TeamsDoor
from bot.teams.reply import Reply
from bot.teams.signing_keys import KeysUnavailable, SigningKeys
from bot.teams.tokens import ISSUER, TokenVerifier

APP, TENANT = "0b7c0000-1111-2222-3333-444455556666", "7e110000-aaaa-bbbb-cccc-ddddeeeeffff"
SERVICE, HOSTS = "https://smba.trafficmanager.net/emea/", ("smba.trafficmanager.net", "*.botframework.com")
OPENID = "https://login.example.com/openid"
KEYS = "https://login.example.com/keys"
PATH = "/api/messages"


@functools.cache
def private_key(kid: str) -> rsa.RSAPrivateKey:
    """Made once for all tests: that takes its time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if kid == "short" else 2048)


def jwk(kid: str, endorsements: Any = ("msteams",)) -> dict[str, Any]:
    public: dict[str, Any] = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    return {**public, "kid": kid, "use": "sig", "endorsements": endorsements}


def public_pem(kid: str) -> bytes:
    public = private_key(kid).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def segment(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signature(algorithm: str, signed: bytes, kid: str) -> bytes:
    """RS256 for every name that is not of another way to sign."""
    match algorithm:
        case "none":
            return b""
        case "HS256":
            return hmac.new(public_pem(kid), signed, hashlib.sha256).digest()
        case "RS512":
            return private_key(kid).sign(signed, padding.PKCS1v15(), hashes.SHA512())
        case "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return private_key(kid).sign(signed, pss, hashes.SHA256())
    return private_key(kid).sign(signed, padding.PKCS1v15(), hashes.SHA256())


def token(*, signed_by: str = "first", header: Any = None, payload: Any = None, **claims: Any) -> str:
    """As Microsoft writes them; `None` takes a claim or a part of the header out."""
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": APP, "exp": now + 3600, "nbf": now - 60, "serviceurl": SERVICE} | claims
    head = {"typ": "JWT", "alg": "RS256", "kid": signed_by} | (header if isinstance(header, dict) else {})
    head = {name: value for name, value in head.items() if value is not None}
    body = payload if payload is not None else {name: value for name, value in whole.items() if value is not None}
    signed = f"{segment(header if header and not isinstance(header, dict) else head)}.{segment(body)}"
    return f"{signed}.{segment(signature(str(head.get('alg')), signed.encode(), signed_by))}"


def bearer(**made: Any) -> str:
    return f"Bearer {token(**made)}"


def activity(**fields: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "1700000000001",
        "timestamp": "2026-01-01T10:00:00.123Z",
        "serviceUrl": SERVICE,
        "channelId": "msteams",
        "from": {"id": "29:ada", "name": "Ada", "aadObjectId": "0000-ada"},
        "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": TENANT},
        "recipient": {"id": f"28:{APP}", "name": "HR Bot"},
        "text": "How many days of parental leave do I get?",
        "attachments": [{"contentType": "text/html", "content": "<p>How many days?</p>"}],
        "entities": [{"type": "clientInfo", "locale": "en-GB", "country": "IE"}],
        "channelData": {"tenant": {"id": TENANT}},
        **fields,
    }


def invoke(**fields: Any) -> dict[str, Any]:
    value = {"action": {"type": "Action.Execute", "verb": "feedback", "data": {"answer_id": "a1"}}}
    return activity(type="invoke", name="adaptiveCard/action", value=value, **fields)


class Microsoft:
    """What its key server says, and how often it was asked; when it began with its first answer, and ended its last."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk("first")]
        self.metadata: Any = {"issuer": ISSUER, "jwks_uri": KEYS}
        self.is_down = False
        self.fetches: list[str] = []
        self.seconds = self.began = self.ended = 0.0

    def fetch(self, url: str) -> bytes:
        self.fetches.append(url)
        self.began = self.began or time.monotonic()
        time.sleep(self.seconds)
        self.ended = time.monotonic()
        if self.is_down:
            raise KeysUnavailable("down")
        return json.dumps({OPENID: self.metadata, KEYS: {"keys": self.keys}}[url]).encode()


class DoorKit:
    """The door with everything behind it but what we would do with an activity: that is only remembered."""

    def __init__(self, **changes: Any) -> None:
        self.microsoft = Microsoft()
        self.now = 1000.0
        self.heard: list[Mapping[str, Any]] = []
        self.reply: Reply | None = None
        self.failure: Exception | None = None
        self.keys = SigningKeys(OPENID, self.microsoft.fetch, lambda: self.now)
        given = {"verifier": TokenVerifier(self.keys, APP), "tenants": frozenset({TENANT}), "hosts": HOSTS} | changes
        self.door = TeamsDoor(given.pop("verifier"), SdkAdapter(APP), self.listen, **given)
        self.app = Starlette(routes=[Route(PATH, self.door.enter, methods=["POST"])])
        self.client = TestClient(self.app, base_url="http://127.0.0.1:3978", raise_server_exceptions=False)

    def listen(self, raw: Mapping[str, Any]) -> Reply | None:
        if self.failure:
            raise self.failure
        field(raw, "conversation", "id")
        self.heard.append(raw)
        return self.reply

    def post(self, body: Any, authorization: Sequence[str] | None = None, kind: str = "application/json") -> int:
        """The status, with the token that Teams would send when no other headers are given."""
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        tokens = [bearer()] if authorization is None else authorization
        headers = [(b"content-type", kind.encode()), *((b"authorization", each.encode("latin-1")) for each in tokens)]
        return self.client.post(PATH, content=content, headers=headers).status_code
