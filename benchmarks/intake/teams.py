"""What Teams sends for a question, with a token signed by a key of ours that the bot fetches as Microsoft's.

Nobody stands in for the connector, which has to be https at a host that is trusted: answers cannot be shown.
"""

from __future__ import annotations

import functools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from answerloop.teams.address import person_id
from benchmarks.intake.channels import EVERY, PAIRED, QUESTIONS, REPLAYED, Delivery, Platform

APP, TENANT = "0b7c0000-1111-2222-3333-444455556666", "7e110000-aaaa-bbbb-cccc-ddddeeeeffff"
BOT, SERVICE = f"28:{APP}", "https://smba.trafficmanager.net/emea/"
ISSUER, KID = "https://api.botframework.com", "benchmark"
TOKEN_SECONDS = 3600
PUBLIC = ("kty", "n", "e")
MENTION = "<at>Answerloop</at>"


class TeamsAsking:
    """Half of the questions are mentions, each beginning a thread in one of fifty channels; half are personal chats."""

    path = "/api/messages"

    @functools.cached_property
    def pem(self) -> bytes:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pkcs8 = serialization.PrivateFormat.PKCS8
        return key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())

    @functools.cached_property
    def token(self) -> str:
        """Microsoft signs with the same one for an hour, too."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": APP, "exp": now + TOKEN_SECONDS, "nbf": now - 60, "serviceurl": SERVICE}
        return jwt.encode(claims, self.pem, "RS256", {"kid": KID})

    def deliveries(self, number: int) -> list[Delivery]:
        """One question in twenty comes once more a second later, as if its acknowledgement had been lost."""
        first = Delivery(json.dumps(_activity(number)).encode())
        again = [Delivery(first.body, after=1.0, retry=1)] if number % EVERY in (PAIRED, REPLAYED) else []
        return [first, *again]

    def headers(self, body: bytes, retry: int) -> Mapping[str, str]:
        return {"content-type": "application/json", "authorization": f"Bearer {self.token}"}

    def asker(self, number: int) -> str:
        return person_id(TENANT, _user(number))


class TeamsPlatform:
    def __init__(self, openid_url: str) -> None:
        self.settings = {
            "teams": "single_tenant",
            "teams_app_id": APP,
            "teams_app_password": "never-used",
            "teams_tenant_id": TENANT,
            "teams_openid_url": openid_url,
        }

    def messages(self) -> Counter[str]:
        return Counter()


ASKING = TeamsAsking()


@contextmanager
def teams(questions: int) -> Iterator[Platform]:
    """With a server that says that it is Microsoft's, and that our key is."""
    key = RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(ASKING.pem)
    public = {name: part for name, part in RSAAlgorithm.to_jwk(key, as_dict=True).items() if name in PUBLIC}
    said: dict[str, Any] = {"/keys": {"keys": [{**public, "kid": KID, "use": "sig", "endorsements": ["msteams"]}]}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(said))
    url = f"http://127.0.0.1:{server.server_port}"
    said["/openid"] = {"issuer": ISSUER, "jwks_uri": f"{url}/keys"}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield TeamsPlatform(f"{url}/openid")
    finally:
        server.shutdown()
        server.server_close()


def _handler(said: Mapping[str, Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(said.get(self.path, {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody wants to know."""

    return Handler


def _user(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def _activity(number: int) -> dict[str, Any]:
    text, personal, message = QUESTIONS[number % len(QUESTIONS)], bool(number % 2), f"{1_800_000_000_000 + number}"
    channel = f"19:{number % 100:06d}@thread.tacv2"
    mention = {"type": "mention", "text": MENTION, "mentioned": {"id": BOT, "name": "Answerloop"}}
    return {
        "type": "message",
        "id": message,
        "timestamp": "2026-11-25T10:00:00.000Z",
        "serviceUrl": SERVICE,
        "channelId": "msteams",
        "from": {"id": f"29:{number:06d}", "name": f"Asker {number}", "aadObjectId": _user(number)},
        "recipient": {"id": BOT, "name": "Answerloop"},
        "conversation": {
            "id": f"a:{number:06d}" if personal else f"{channel};messageid={message}",
            "conversationType": "personal" if personal else "channel",
            "tenantId": TENANT,
        },
        "channelData": {"tenant": {"id": TENANT}},
        "text": text if personal else f"{MENTION} {text}",
        "textFormat": "plain",
        "entities": [{"type": "clientInfo", "locale": "en-GB"}, *([] if personal else [mention])],
    }
