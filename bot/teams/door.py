"""The door for Teams' requests: size, form, token and tenant are checked before the SDK or a listener sees anything."""

from __future__ import annotations

import logging
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from answerloop.db.session import DuplicateKey
from answerloop.errors import Retryable
from answerloop.teams.service import is_trusted
from bot.doorstep import Refused, decoded, media_type, parse_object, read_body
from bot.payload import MalformedPayload
from bot.teams.adapter import SdkAdapter
from bot.teams.reply import Listener
from bot.teams.tokens import Claims, NotGenuine, TokenVerifier

log = logging.getLogger(__name__)

Path = tuple[str, ...]

MAX_BODY_BYTES = 1_000_000
DEEPEST = 40
LONGEST_ID = 500
OBJECTS: tuple[Path, ...] = (("from",), ("conversation",), ("recipient",), ("channelData",), ("channelData", "tenant"))
IDS: tuple[Path, ...] = (
    *((name,) for name in ("type", "id", "replyToId", "channelId", "name")),
    *((name, "id") for name in ("from", "conversation", "recipient")),
    ("from", "aadObjectId"),
    ("conversation", "tenantId"),
    ("channelData", "tenant", "id"),
)
TEXTS: tuple[Path, ...] = (("serviceUrl",), ("text",))


class TeamsDoor:
    """Lets activities in that Microsoft signed for us and that come from our tenants. Without a verifier, on a
    developer's machine, those of a simulator there; then no tenants are all."""

    def __init__(
        self,
        verifier: TokenVerifier | None,
        adapter: SdkAdapter,
        listener: Listener,
        *,
        tenants: frozenset[str],
        hosts: tuple[str, ...],
    ) -> None:
        self._verifier = verifier
        self._adapter = adapter
        self._listener = listener
        self._tenants = frozenset(tenant.lower() for tenant in tenants)
        self._hosts = hosts

    async def enter(self, request: Request) -> Response:
        try:
            raw = await _read(request)
            claims = await self._verified(request.headers, raw)
            self._check_tenant(raw)
            reply = await self._adapter.process(claims, raw, self._listener)
            return Response() if reply is None else JSONResponse(dict(reply.body), reply.status)
        except Exception as error:  # noqa: BLE001 - what nobody expected is logged there as well
            return _failed(error)

    async def _verified(self, headers: Headers, raw: dict[str, Any]) -> Claims:
        """Raises Refused, NotGenuine, KeysUnavailable."""
        if self._verifier is None:
            # no page of another site, which names our address its own, may play the simulator
            self._check_service(f"http://{headers.get('host', '')}")
            self._check_service(raw.get("serviceUrl"))
            return {}
        tokens = headers.getlist("authorization")
        if len(tokens) != 1:
            raise NotGenuine("no token, or several")
        self._verifier.look(tokens[0])
        self._check_service(raw.get("serviceUrl"))
        return await self._verifier.verify(tokens[0], raw["serviceUrl"], raw.get("channelId") or "")

    def _check_service(self, url: str | None) -> None:
        if not url:
            raise NotGenuine("no service address")
        if not is_trusted(url, self._hosts, development=self._verifier is None):
            log.info("a service address is none of ANSWERLOOP_TEAMS_SERVICE_HOSTS")
            raise Refused(403, "a foreign service address")

    def _check_tenant(self, raw: dict[str, Any]) -> None:
        """A token says nothing about whose people these are."""
        if self._verifier is None and not self._tenants:
            return
        named = {_at(raw, ("conversation", "tenantId")), _at(raw, ("channelData", "tenant", "id"))} - {None, ""}
        tenants = {tenant.lower() for tenant in named}
        if len(tenants) != 1 or not tenants <= self._tenants:
            log.info("a tenant is none of ANSWERLOOP_TEAMS_TENANTS", extra={"tenants": sorted(tenants)})
            raise Refused(403, "a foreign tenant")


async def _read(request: Request) -> dict[str, Any]:
    """An activity, in its outer form. Raises Refused."""
    if media_type(request.headers.get("content-type", "")) != "application/json":
        raise Refused(415, "not JSON")
    raw = parse_object(decoded(await read_body(request, MAX_BODY_BYTES)), DEEPEST)
    if not raw.get("type"):
        raise Refused(400, "type is missing")
    for path in OBJECTS:
        if not isinstance(_at(raw, path), dict | None):
            raise Refused(400, f"{'.'.join(path)} has another form")
    for path in IDS + TEXTS:
        if not isinstance(_at(raw, path), str | None):
            raise Refused(400, f"{'.'.join(path)} is no text")
    for path in IDS:
        text = _at(raw, path) or ""
        if len(text) > LONGEST_ID or not text.isprintable():
            raise Refused(400, f"{'.'.join(path)} is no name")
    return raw


def _at(raw: dict[str, Any], path: Path) -> Any:
    """What stands there; the objects on the way are objects, or nothing."""
    value: Any = raw
    for name in path:
        value = (value or {}).get(name)
    return value


def _failed(error: Exception) -> Response:
    match error:
        case Refused():
            return PlainTextResponse(str(error), error.status)
        case ClientDisconnect():
            return PlainTextResponse("gone", 400)
        case NotGenuine():
            log.info("a request is not from Teams", extra={"reason": str(error)})
            return PlainTextResponse("not from Teams", 401)
        case MalformedPayload():
            log.info("malformed request refused", extra={"error": str(error)})
            return PlainTextResponse("malformed", 400)
        case Retryable() | DuplicateKey():
            log.warning("nothing was stored, Teams will send it again", extra={"error": str(error)})
            return PlainTextResponse("again, please", 503)
    log.error("listener failed", exc_info=error)
    return PlainTextResponse("failed", 500)
