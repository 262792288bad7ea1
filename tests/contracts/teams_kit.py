"""A small Teams with one channel, a group chat and a personal chat, and our deliveries to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from answerloop.backends.chat_teams import TeamsDelivery
from answerloop.backends.teams_api import TeamsApi
from answerloop.backends.teams_credentials import Tokens
from answerloop.ports import RateLimiter
from answerloop.teams.address import Kind, TeamsAddress
from answerloop.testing.fake_chat import FakeRateLimiter
from answerloop.testing.teams_server import BLOCKED, LOST, TeamsServer, too_many
from answerloop.testing.teams_tenant import BOT, TENANT, member

DANA, FINN = "00000000-0000-0000-0000-0000000000d1", "00000000-0000-0000-0000-0000000000f1"
CHANNEL = "19:leave@thread.tacv2"
THREAD = f"{CHANNEL};messageid=1"
GROUP = "19:three@thread.v2"
PERSONAL = "a:29:dana"
NAMES = {f"teams:{TENANT}:{DANA}": "Dana Devlin", f"teams:{TENANT}:{FINN}": "Finn Maertens"}
REPLY_SECONDS = 2.0


class Teams:
    """The platform as the conformance suite looks at it."""

    def __init__(self, server: TeamsServer) -> None:
        self.server = server
        self.tenant = server.tenant
        dana, finn = member("Dana", DANA), member("Finn", FINN)
        for conversation, members in {THREAD: [dana, finn], GROUP: [dana, finn], PERSONAL: [dana]}.items():
            self.tenant.add(conversation, *members)
        self.watched = THREAD
        self.apis: list[TeamsApi] = []

    def api(self, tokens: Tokens = "token".strip, reply_seconds: float = REPLY_SECONDS) -> TeamsApi:
        self.apis.append(TeamsApi(tokens, (), development=True, reply_seconds=reply_seconds))
        return self.apis[-1]

    def close(self) -> None:
        for api in self.apis:
            api.close()

    def delivery(self, limiter: RateLimiter | None = None, api: TeamsApi | None = None) -> TeamsDelivery:
        return TeamsDelivery(
            api or self.api(),
            limiter or FakeRateLimiter(),
            source_url=lambda source: source.passage.url,
            names=lambda person, at: NAMES.get(person, "Somebody"),
            messages_per_second=1.5,
        )

    def address(self, conversation: str = THREAD, kind: Kind = Kind.CHANNEL, **changed: Any) -> dict[str, Any]:
        asked = TeamsAddress(TENANT, self.server.url, BOT, conversation, kind, DANA, "29:dana", "1")
        return replace(asked, **changed).as_json()

    def seen(self, conversation: str | None = None) -> list[str]:
        return self.tenant.seen(conversation or self.watched)

    def lose_next_reply(self) -> None:
        self.server.fails("post", LOST)

    def be_busy_once(self, seconds: float) -> None:
        self.server.fails("post", too_many(int(seconds)))

    def refuse_once(self) -> None:
        self.server.fails("post", BLOCKED)

    def delete_all(self) -> None:
        self.tenant.conversations[self.watched].messages.clear()
