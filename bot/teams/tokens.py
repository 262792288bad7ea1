"""Whether a request is from Teams: its token says so, and a key of Microsoft's proves the token."""

from __future__ import annotations

from typing import Any, TypeAlias

import jwt

from answerloop.errors import NotAuthenticated
from bot.teams.signing_keys import SigningKeys

ISSUER = "https://api.botframework.com"
ALGORITHM = "RS256"
CHANNEL = "msteams"
LEEWAY_SECONDS = 300
LONGEST = 10_000
"""Characters; Microsoft's have about a thousand."""
REQUIRED = ["exp", "iss", "aud", "serviceurl"]

Claims: TypeAlias = dict[str, Any]


class NotGenuine(NotAuthenticated):
    """Not from Teams, or not for us. The message never has a part of the token."""


class TokenVerifier:
    def __init__(self, keys: SigningKeys, app_id: str, issuer: str = ISSUER) -> None:
        self._keys = keys
        self._app_id = app_id
        self._issuer = issuer

    def look(self, authorization: str) -> tuple[str, str]:
        """A token that claims to be of our issuer, and the name of its key: nobody is asked about any other. Raises
        NotGenuine."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token or len(token) > LONGEST:
            raise NotGenuine("no bearer token")
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise NotGenuine(type(error).__name__) from None
        header, issuer = unverified["header"], unverified["payload"].get("iss")
        if header.get("alg") != ALGORITHM or "crit" in header:
            raise NotGenuine("signed in another way")
        if issuer != self._issuer:
            raise NotGenuine("of another issuer")
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise NotGenuine("signed with no key that has a name")
        return token, kid

    async def verify(self, authorization: str, service_url: str, channel_id: str) -> Claims:
        """Microsoft vouches in the same way for channels where people say themselves who they are (Direct Line, the web
        chat that every bot has from the start): they are not Teams. Raises NotGenuine, KeysUnavailable."""
        token, kid = self.look(authorization)
        if channel_id != CHANNEL:
            raise NotGenuine("for another channel")
        key = await self._keys.get(kid)
        if key is None:
            raise NotGenuine("signed with an unknown key")
        if CHANNEL not in key.endorsements:
            raise NotGenuine("signed with a key that is not for Teams")
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],
                audience=self._app_id,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED, "strict_aud": True, "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise NotGenuine(type(error).__name__) from None
        if claims["serviceurl"] != service_url:
            raise NotGenuine("for another service address")
        return claims
