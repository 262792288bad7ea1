"""One tenant of Teams in memory, as far as we use it: what is called changes what people see."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from answerloop.teams.card import problems
from answerloop.testing.adaptive_card import flaws, things

Body = dict[str, Any]
TENANT = "00000000-0000-0000-0000-0000000000a1"
BOT = "28:00000000-0000-0000-0000-0000000000b1"
MOST_BYTES = 100_000
ROOT = "https://schema.org/Message"


class TeamsError(Exception):
    """What Teams answers instead; `code` is its word."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class Conversation:
    """Its messages in the order they were written. `open` is over when we are removed or blocked there."""

    members: list[Body]
    messages: list[Body] = field(default_factory=list)
    typing: int = 0
    open: bool = True


def member(name: str, user: str, **facts: Any) -> Body:
    """An employee, as the roster tells of them; `facts` make somebody else of them."""
    mail = f"{name.lower()}@orrenby.example"
    known = {"id": f"29:{name.lower()}", "name": name, "aadObjectId": user, "email": mail, "userPrincipalName": mail}
    return {**known, "tenantId": TENANT, "userRole": "user", **facts}


class TeamsTenant:
    """`deletes` says whether messages can be deleted."""

    def __init__(self) -> None:
        self.deletes = True
        self.users: dict[str, Body] = {}
        self.conversations: dict[str, Conversation] = {}
        self._clock = itertools.count(1_700_000_000_001)

    # --- what people do

    def add(self, conversation: str, *members: Body) -> Conversation:
        """A chat or a channel with these members, whom Teams knows from now on."""
        self.users |= {each["id"]: each for each in members}
        self.conversations[conversation] = Conversation(list(members))
        return self.conversations[conversation]

    def seen(self, conversation: str) -> list[str]:
        """What people read there: the words of each message."""
        return [words_of(message) for message in self.conversations[conversation].messages]

    # --- what we call

    def post(self, conversation: str, activity: Body) -> Body:
        """Raises TeamsError, as everything here."""
        there = self._there(conversation)
        if activity["type"] == "typing":
            there.typing += 1
            return {}
        _check(activity)
        message = {**activity, "id": str(next(self._clock))}
        there.messages.append(message)
        return {"id": message["id"]}

    def update(self, conversation: str, message_id: str, activity: Body) -> Body:
        there = self._there(conversation)
        _check(activity)
        place = self._place(there, message_id)
        there.messages[place] = {**activity, "id": message_id}
        return {"id": message_id}

    def delete(self, conversation: str, message_id: str) -> Body:
        if not self.deletes:
            raise TeamsError(501, "NotImplemented")
        there = self._there(conversation)
        del there.messages[self._place(there, message_id)]
        return {}

    def open(self, said: Body) -> Body:
        """The personal chat with one person: always the same."""
        [account] = [each["id"] for each in said["members"]]
        if account not in self.users or said["bot"]["id"] != BOT or said["tenantId"] != TENANT:
            raise TeamsError(400, "Bad Argument")
        conversation = f"a:{account}"
        self.conversations.setdefault(conversation, Conversation([self.users[account]]))
        return {"id": conversation}

    def page(self, conversation: str, size: int, token: str) -> Body:
        """Of its members: at least 50, at most 500, as Teams does."""
        members = self._there(conversation).members
        start, size = int(token or 0), min(max(size, 50), 500)
        page: Body = {"members": members[start : start + size]}
        return {**page, "continuationToken": str(start + size)} if start + size < len(members) else page

    def member(self, conversation: str, account: str) -> Body:
        found = [each for each in self._there(conversation).members if each["id"] == account]
        if not found:
            raise TeamsError(404, "MemberNotFoundInConversation")
        return found[0]

    def _there(self, conversation: str) -> Conversation:
        there = self.conversations.get(conversation)
        if there is None:
            raise TeamsError(404, "ConversationNotFound")
        if not there.open:
            raise TeamsError(403, "BotNotInConversationRoster")
        return there

    def _place(self, there: Conversation, message_id: str) -> int:
        for place, message in enumerate(there.messages):
            if message["id"] == message_id:
                return place
        raise TeamsError(404, "ActivityNotFoundInConversation")


def words_of(message: Body) -> str:
    """Everything that is written on a message."""
    return "\n".join(str(thing["text"]) for thing in things(message["attachments"]) if "text" in thing)


def _check(activity: Body) -> None:
    if len(json.dumps(activity, ensure_ascii=False).encode("utf-16-le")) > MOST_BYTES:
        raise TeamsError(413, "MessageSizeTooBig")
    roots = [entity for entity in activity.get("entities", []) if entity["type"] == ROOT]
    one_message = len(activity.get("attachments", [])) == 1 and not activity.get("text")
    if not one_message or len(roots) > 1 or not activity.get("summary") or problems(activity) or flaws(activity):
        raise TeamsError(400, "Bad Argument")
