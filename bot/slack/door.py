"""The door for Slack's requests: size and signature are checked on the raw bytes, before anything is parsed."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import anyio
from slack_bolt import BoltRequest, BoltResponse
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
THREADS = 16
WINDOW_SECONDS = 300
DEEPEST = 40
TYPES = frozenset(
    {"event_callback", "url_verification", "block_actions", "view_submission", "view_closed", "message_action",
     "shortcut", "interactive_message", "block_suggestion", "app_rate_limited"}
)  # fmt: skip
TEXTS = ("type", "subtype", "id", "action_id", "block_id", "callback_id", "trigger_id", "team_id", "enterprise_id",
         "user_id", "channel_id", "bot_id", "event_id", "api_app_id", "ts", "thread_ts", "channel_type")  # fmt: skip
WRITTEN = frozenset({"text", "value"})
"""What a person wrote, of which the intake says what is wrong with it."""

FORMS = {
    **dict.fromkeys(("event", "team", "user", "channel", "view", "message", "container", "enterprise"), dict),
    **dict.fromkeys(("authorizations", "actions"), list),
}
INNER = (("view", "state"), ("event", "tokens"), ("event", "message"), ("event", "item"))
NEEDED = {
    "event_callback": ("event",),
    "block_actions": ("actions",),
    "view_submission": ("view",),
    "view_closed": ("view",),
    "message_action": ("callback_id",),
    "shortcut": ("callback_id",),
}


class Refused(Exception):
    """`status` and a word for whoever sends such things."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status


class SlackDoor:
    """Lets signed, well-formed requests in to Bolt, in a thread of its own few."""

    def __init__(self, dispatch: Callable[[BoltRequest], BoltResponse], signing_secret: str) -> None:
        self._dispatch = dispatch
        self._secret = signing_secret.encode()
        self._limiter = anyio.CapacityLimiter(THREADS)

    async def enter(self, request: Request) -> Response:
        try:
            body = await _read(request)
            self._verify(body, request.headers)
            inbound = _for_bolt(check_form(body, request.headers.get("content-type", "")))
        except Refused as refused:
            return PlainTextResponse(str(refused), refused.status)
        except ClientDisconnect:
            return PlainTextResponse("gone", 400)
        answer = await anyio.to_thread.run_sync(self._dispatch, inbound, limiter=self._limiter)
        headers = {name: values[0] for name, values in answer.headers.items() if name.lower() != "content-length"}
        return Response(answer.body, answer.status, headers)

    def _verify(self, body: bytes, headers: Headers) -> None:
        """Over the raw bytes, as Slack describes it; the SDK's own verifier fails on bytes that are no UTF-8."""
        timestamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12 and signature.isascii()):  # noqa: PLR2004
            raise Refused(401, "not signed")
        expected = "v0=" + hmac.new(self._secret, b"v0:%b:%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
        if abs(time.time() - int(timestamp)) > WINDOW_SECONDS or not hmac.compare_digest(expected, signature):
            raise Refused(401, "not signed by Slack, or too long ago")


def _for_bolt(payload: dict[str, Any]) -> BoltRequest:
    """What was checked, and not the bytes that Bolt would read in its own way: it takes a form for something else where
    a word stands in it. It reads ids here, and trips over whatever has another form than Slack's. Raises Refused."""
    try:
        return BoltRequest(body=json.dumps(payload), headers={"content-type": ["application/json"]})
    except (TypeError, AttributeError, KeyError, ValueError):
        raise Refused(400, "not a payload of Slack's") from None


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, "too large")
    return bytes(body)


def check_form(body: bytes, content_type: str) -> dict[str, Any]:
    """What was sent, when it has the outer form of a request of Slack's. Raises Refused."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "not UTF-8") from None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _checked(text)
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, "neither JSON nor a form")
    try:
        fields = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=100))
    except ValueError:
        raise Refused(400, "not a form") from None
    if "payload" in fields:
        return _checked(fields["payload"])
    if "command" not in fields and "ssl_check" not in fields:
        raise Refused(400, "neither a command nor a payload")
    if not _is_well_formed(fields, DEEPEST):
        raise Refused(400, "not a command")
    return fields


def _checked(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
        json.dumps(payload, ensure_ascii=False).encode()  # fails for half a character
    except (ValueError, RecursionError):
        raise Refused(400, "not JSON") from None
    if not isinstance(payload, dict) or not _is_well_formed(payload, DEEPEST) or payload.get("type") not in TYPES:
        raise Refused(400, "not a payload")
    for name, form in FORMS.items():
        value = payload.get(name)
        if value is not None and not isinstance(value, form):
            raise Refused(400, f"{name} has another form")
    for outer, name in INNER:
        value = (payload.get(outer) or {}).get(name)
        if value is not None and not isinstance(value, dict):
            raise Refused(400, f"{outer}.{name} has another form")
    if payload.get("view") is not None and not payload["view"].get("type"):
        raise Refused(400, "view.type is missing")
    for name in ("authorizations", "actions"):
        if not all(isinstance(item, dict) for item in payload.get(name) or ()):
            raise Refused(400, f"{name} has another form")
    for name in NEEDED.get(payload["type"], ()):
        if not payload.get(name):
            raise Refused(400, f"{name} is missing")
    if not all(
        action.get("action_id") and action.get("block_id") is not None for action in payload.get("actions") or ()
    ):
        raise Refused(400, "an action has no name")
    return payload


def _is_well_formed(value: Any, depth: int) -> bool:
    """Not deeper than any payload of Slack's, and with names and ids that are texts: Bolt takes them for granted, and
    no database takes a NUL."""
    if depth == 0:
        return False
    if isinstance(value, dict):
        if not all(isinstance(value.get(name), str | None) for name in TEXTS):
            return False
        if any(isinstance(child, str) and "\0" in child for name, child in value.items() if name not in WRITTEN):
            return False
        return all(_is_well_formed(child, depth - 1) for child in value.values())
    return not isinstance(value, list) or all(_is_well_formed(child, depth - 1) for child in value)
