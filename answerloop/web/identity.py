"""Who is asking. Exactly one of these holds, and in doubt nobody is believed:

1. a proxy we trust names the person in `settings.identity_header`;
2. the holder of `settings.web_token`, in an `Authorization` header or a session cookie signed by us, is `dev_user`;
3. neither is configured and the connection comes straight from this machine: the development user.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from itsdangerous import BadData, URLSafeTimedSerializer

from answerloop.errors import ConfigurationError, NotAllowed, NotAuthenticated
from answerloop.secrets import key_of
from answerloop.settings import Settings

COOKIE = "answerloop_session"
SESSION_SECONDS = 7 * 24 * 3600
SHORTEST_TOKEN = 16
LONGEST_ID = 255
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody we know by id. `development` marks the one who did not have to prove it, `session` who may sign out."""

    id: str
    development: bool = False
    session: bool = False


class Identity:
    """Tells who sent a request. Raises ConfigurationError when proxies, token or session key are unusable."""

    def __init__(self, settings: Settings) -> None:
        self._user = settings.dev_user
        self._header = settings.identity_header
        self._token = _long_enough(settings.web_token.get_secret_value())
        self._proxies = _networks(settings.trusted_proxies)
        self._sessions = _Sessions(settings.state.session_key, self._token) if self._token else None

    @property
    def takes_token(self) -> bool:
        return self._sessions is not None

    def asker(self, request: Request) -> Asker:
        """Raises NotAuthenticated when the request proves nobody, NotAllowed when it may not even try."""
        if self._header and self._from_trusted_proxy(request):
            return Asker(self._named_by_proxy(request))
        if self._sessions is not None:
            if self._bears_token(request):
                return Asker(self._user)
            if self._sessions.valid(request.cookies.get(COOKIE, "")):
                return Asker(self._user, session=True)
            raise NotAuthenticated("Please sign in.")
        if self._header:
            raise NotAuthenticated("We do not know who you are: please come in through your company's sign-in.")
        return self._development_user(request)

    def sign_in(self, token: str) -> str:
        """A session for whoever knows the token. Raises NotAuthenticated."""
        if self._sessions is None or not _same(token, self._token):
            raise NotAuthenticated("That is not the token.")
        return self._sessions.open()

    def is_https(self, request: Request) -> bool:
        forwarded = request.headers.get("x-forwarded-proto") if self._from_trusted_proxy(request) else None
        return (forwarded or request.url.scheme) == "https"

    def _from_trusted_proxy(self, request: Request) -> bool:
        peer = _peer(request)
        return peer is not None and any(peer in network for network in self._proxies)

    def _named_by_proxy(self, request: Request) -> str:
        values = request.headers.getlist(self._header)
        name = values[0].strip() if len(values) == 1 else ""
        if not name or len(name) > LONGEST_ID or not name.isprintable():
            raise NotAuthenticated("The sign-in did not tell us who you are.")
        return name

    def _bears_token(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and _same(token.strip(), self._token)

    def _development_user(self, request: Request) -> Asker:
        if _is_http_1_0(request):
            raise NotAllowed("Without a sign-in, this assistant takes no HTTP/1.0: no browser speaks it, a proxy does.")
        if not is_on_this_machine(request):
            raise NotAllowed("Without a sign-in, this assistant only answers on the machine it runs on.")
        return Asker(self._user, development=True)


class _Sessions:
    """Signed cookies. Changing the token ends every session that was opened with the old one."""

    def __init__(self, key_file: Path, token: str) -> None:
        key = key_of(key_file)
        self._signer = URLSafeTimedSerializer(key, salt="answerloop web session")
        self._stamp = hmac.new(key, token.encode(), hashlib.sha256).hexdigest()

    def open(self) -> str:
        return self._signer.dumps(self._stamp)

    def valid(self, cookie: str) -> bool:
        try:
            stamp = self._signer.loads(cookie, max_age=SESSION_SECONDS)
        except BadData:
            return False
        return isinstance(stamp, str) and _same(stamp, self._stamp)


def current_asker(request: Request) -> Asker:
    identity: Identity = request.app.state.identity
    return identity.asker(request)


CurrentAsker = Annotated[Asker, Depends(current_asker)]


def is_on_this_machine(request: Request) -> bool:
    """Whether the sender itself is here, and not just a proxy that hands on what others send."""
    peer = _peer(request)
    local = peer is not None and peer.is_loopback
    return local and not _is_http_1_0(request) and not any(name in request.headers for name in FORWARDED)


def _is_http_1_0(request: Request) -> bool:
    """What nginx speaks to us unless it is told otherwise, without a header that would give it away."""
    return request.scope.get("http_version") == "1.0"


def _long_enough(token: str) -> str:
    if token and len(token) < SHORTEST_TOKEN:
        raise ConfigurationError(f"ANSWERLOOP_WEB_TOKEN has to have {SHORTEST_TOKEN} characters or more.")
    return token


def _networks(addresses: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(address, strict=False) for address in addresses)
    except ValueError as error:
        raise ConfigurationError(f"ANSWERLOOP_TRUSTED_PROXIES: {error}; give addresses such as 10.0.0.7.") from None


def _peer(request: Request) -> Address | None:
    """The other end of the connection itself, never what a header says about it."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode(errors="surrogatepass"))
