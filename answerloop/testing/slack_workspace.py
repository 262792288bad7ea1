"""One workspace of Slack in memory, as far as we use it: what is called changes what people see."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from answerloop.slack.rendered import Rendered, problems

Body = dict[str, Any]
MODERN = frozenset({"markdown", "context_actions"})
TEAM, BOT_USER, BOT = "T01", "U0BOT", "B0BOT"
RESPONSES = 5


class SlackError(Exception):
    """What Slack answers instead; `code` is its word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Channel:
    """Its messages in the order they were written; `facts` are what Slack tells of it."""

    members: list[str]
    facts: Body = field(default_factory=dict)
    messages: list[Body] = field(default_factory=list)


class SlackWorkspace:
    """`modern` and `streams` say whether it knows the newest blocks, and streams. What only one person sees is in
    `private`."""

    def __init__(self) -> None:
        self.modern = self.streams = True
        self.users: dict[str, Body] = {}
        self.user_groups: list[Body] = []
        self.channels: dict[str, Channel] = {}
        self.private: list[Body] = []
        self.reactions: set[tuple[str, str, str]] = set()
        self.statuses: dict[tuple[str, str], str] = {}
        self.views: list[Body] = []
        self.response_uses: dict[str, int] = {}
        self._clock = itertools.count(1_700_000_001)
        self._methods: dict[str, Callable[[Body], Body]] = {
            "auth.test": lambda _: {"team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT},
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._post_privately,
            "chat.startStream": self._start_stream,
            "chat.appendStream": self._append_to_stream,
            "chat.stopStream": self._stop_stream,
            "reactions.add": self._react,
            "reactions.remove": self._take_reaction_back,
            "assistant.threads.setStatus": self._set_status,
            "conversations.replies": self._replies,
            "conversations.history": self._history,
            "conversations.open": self._open,
            "conversations.info": lambda said: {"channel": {"id": said["channel"], **self._channel(said).facts}},
            "conversations.members": lambda said: {"members": self._channel(said).members},
            "users.info": self._user,
            "users.list": lambda _: {"members": list(self.users.values())},
            "usergroups.list": lambda _: {"usergroups": self.user_groups},
            "views.open": self._view,
            "views.publish": self._view,
        }

    def call(self, method: str, said: Body) -> Body:
        """Raises SlackError."""
        if method not in self._methods or (method.endswith("Stream") and not self.streams):
            raise SlackError("unknown_method")
        return self._methods[method](said)

    # --- what people do

    def say(self, channel: str, user: str, text: str, thread: str | None = None) -> str:
        """Somebody writes there; the message's ts."""
        return str(self._write(self.channels[channel], {"user": user, "text": text, "thread_ts": thread})["ts"])

    def response_url(self, name: str) -> str:
        """The path for answers to a command, whose acknowledgement stands there already."""
        self.response_uses[name] = RESPONSES
        self.private.append({"response": name, "text": "One moment"})
        return f"response/{name}"

    def respond(self, name: str, said: Body) -> None:
        """Raises SlackError."""
        if self.response_uses.get(name, 0) <= 0:
            raise SlackError("used_url")
        self._check_blocks(said)
        self.response_uses[name] -= 1
        if said.get("replace_original") or said.get("delete_original"):
            self.private = [each for each in self.private if each.get("response") != name]
        if not said.get("delete_original"):
            self.private.append({"response": name if said.get("replace_original") else None, **said})

    def written_by_us(self, channel: str) -> list[Body]:
        return [message for message in self.channels[channel].messages if message.get("bot_id")]

    # --- messages

    def _post(self, said: Body) -> Body:
        channel = self._channel(said)
        self._check_blocks(said)
        content = {key: said.get(key) for key in ("text", "blocks", "metadata", "thread_ts")}
        return {"ts": self._write(channel, {"user": BOT_USER, "bot_id": BOT, **content})["ts"]}

    def _write(self, channel: Channel, message: Body) -> Body:
        message["ts"] = f"{next(self._clock)}.000100"
        channel.messages.append(message)
        return message

    def _update(self, said: Body) -> Body:
        message = self._message(said)
        if message.get("streaming"):
            raise SlackError("streaming_state_conflict")
        self._check_blocks(said)
        message |= {key: said.get(key) for key in ("text", "blocks", "metadata")}
        message.pop("chunks", None)
        return {"ts": message["ts"]}

    def _delete(self, said: Body) -> Body:
        message = self._message(said)
        if message.get("streaming"):
            raise SlackError("cant_delete_message")
        self._channel(said).messages.remove(message)
        return {}

    def _post_privately(self, said: Body) -> Body:
        if said["user"] not in self._channel(said).members:
            raise SlackError("user_not_in_channel")
        self._check_blocks(said)
        self.private.append(said)
        return {"message_ts": f"{next(self._clock)}.000100"}

    def _check_blocks(self, said: Body) -> None:
        blocks = said.get("blocks") or []
        if not said.get("text") and not blocks and not said.get("delete_original"):
            raise SlackError("no_text")
        unknown = not self.modern and any(block["type"] in MODERN for block in blocks)
        if unknown or (blocks and problems(Rendered(said["text"], blocks))):
            raise SlackError("invalid_blocks")

    # --- streams

    def _start_stream(self, said: Body) -> Body:
        channel = self._channel(said)
        if said["channel"].startswith("C") and not (said.get("recipient_user_id") and said.get("recipient_team_id")):
            raise SlackError("missing_recipient_user_id")
        content = {"thread_ts": said["thread_ts"], "text": "", "chunks": said.get("chunks") or []}
        return {"ts": self._write(channel, {"user": BOT_USER, "bot_id": BOT, "streaming": True, **content})["ts"]}

    def _append_to_stream(self, said: Body) -> Body:
        stream = self._stream(said)
        stream["chunks"] = list({chunk["id"]: chunk for chunk in [*stream["chunks"], *said["chunks"]]}.values())
        return {}

    def _stop_stream(self, said: Body) -> Body:
        self._stream(said)["streaming"] = False
        return {}

    def _stream(self, said: Body) -> Body:
        message = self._message(said)
        if not message.get("streaming"):
            raise SlackError("message_not_in_streaming_state")
        return message

    # --- everything else

    def _react(self, said: Body) -> Body:
        if (reaction := _reaction(said)) in self.reactions:
            raise SlackError("already_reacted")
        self.reactions.add(reaction)
        return {}

    def _take_reaction_back(self, said: Body) -> Body:
        if (reaction := _reaction(said)) not in self.reactions:
            raise SlackError("no_reaction")
        self.reactions.remove(reaction)
        return {}

    def _set_status(self, said: Body) -> Body:
        self.statuses[said["channel_id"], said["thread_ts"]] = said["status"]
        return {}

    def _replies(self, said: Body) -> Body:
        since = str(said.get("oldest", ""))
        of_thread = [
            message
            for message in self._channel(said).messages
            if message["ts"] == said["ts"] or (message.get("thread_ts") == said["ts"] and message["ts"] >= since)
        ]
        if not of_thread:
            raise SlackError("thread_not_found")
        return {"messages": [_told(message, said) for message in of_thread]}

    def _history(self, said: Body) -> Body:
        top = [message for message in self._channel(said).messages if not message.get("thread_ts")]
        return {"messages": [_told(message, said) for message in reversed(top)]}

    def _open(self, said: Body) -> Body:
        if said["users"] not in self.users:
            raise SlackError("user_not_found")
        channel = f"D{said['users']}"
        self.channels.setdefault(channel, Channel([said["users"]]))
        return {"channel": {"id": channel}}

    def _user(self, said: Body) -> Body:
        if said["user"] not in self.users:
            raise SlackError("user_not_found")
        return {"user": self.users[said["user"]]}

    def _view(self, said: Body) -> Body:
        self.views.append(said)
        return {"view": {"id": f"V{len(self.views)}"}}

    def _channel(self, said: Body) -> Channel:
        if said["channel"] not in self.channels:
            raise SlackError("channel_not_found")
        return self.channels[said["channel"]]

    def _message(self, said: Body) -> Body:
        found = [message for message in self._channel(said).messages if message["ts"] == said["ts"]]
        if not found or not found[0].get("bot_id"):
            raise SlackError("message_not_found")
        return found[0]


def _reaction(said: Body) -> tuple[str, str, str]:
    return said["channel"], said["timestamp"], said["name"]


def _told(message: Body, said: Body) -> Body:
    told = message if said.get("include_all_metadata") else {key: message[key] for key in message if key != "metadata"}
    return dict(json.loads(json.dumps(told)))
