"""Microsoft's own simulator of Teams, as a process on loopback, and what people do and see there."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from answerloop.testing.installation import CHECKOUT, free_port, until

CLI = CHECKOUT / ".e2e" / "node_modules" / "@microsoft" / "m365agentsplayground" / "cli.js"
TENANT, BOT = "00000000-0000-0000-0000-0000000000a1", "28:askbot"
ALICE, BOB, HARRIET = "oid-alice", "oid-bob", "oid-harriet"
PERSONAL, GROUP = "a:alice", "19:group@thread.v2"
CHANNEL, OTHER_CHANNEL = "19:general@thread.tacv2", "19:hr@thread.tacv2"
KINDS = {PERSONAL: "personal", GROUP: "groupChat", CHANNEL: "channel", OTHER_CHANNEL: "channel"}
PEOPLE = {
    ALICE: "Alice Amari",
    BOB: "Bob Berg",
    HARRIET: "Harriet Quill",
    "oid-dan": "Dan Doe",
    "oid-eve": "Eve Eng",
    "oid-fay": "Fay Fox",
}
"""The first one sits at the simulator's page; it wants exactly five others."""
AT_US = "<at>Askbot</at>"
LOOPBACK_ONLY = """
const net = require('net'); const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...a) {
  if (typeof a[0] === 'number' && typeof a[1] !== 'string') a.splice(1, 0, '127.0.0.1');
  return listen.apply(this, a);
};
"""
Message = dict[str, Any]


def _config() -> dict[str, Any]:
    users = [
        {
            "id": f"29:{oid}",
            "name": name,
            "userPrincipleName": f"{oid}@orrenby.example",
            "aadObjectId": oid,
            "givenName": name.split()[0],
            "surname": name.split()[1],
            "email": f"{name.split()[0].lower()}@orrenby.example",
        }
        for oid, name in PEOPLE.items()
    ]
    channels = [{"id": OTHER_CHANNEL, "name": "People team"}]
    return {
        "version": "0.1.1",
        "tenantId": TENANT,
        "bot": {"id": BOT, "name": "Askbot"},
        "currentUser": users[0],
        "users": users[1:],
        "personalChat": {"id": PERSONAL},
        "groupChat": {"id": GROUP, "name": "Lunch"},
        "team": {"id": CHANNEL, "name": "Orrenby", "aadGroupId": "team-orrenby", "channels": channels},
    }


class Playground:
    """Started for a bot that already listens. It shows what it was sent over one connection, which is kept."""

    def __init__(self, folder: Path, bot_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.messages: dict[str, Message] = {}
        """By id, as they stand now, with the conversation as `conversation`."""
        self.posted: Counter[str] = Counter()
        """How many messages were posted, by conversation; changes of them do not count."""
        self.typing = 0
        self._folder, self._bot_url = folder, bot_url
        self._process: subprocess.Popen[bytes] | None = None
        self._connected = threading.Event()

    # --- life

    def start(self) -> None:
        assert CLI.exists(), "the simulator of Teams is missing: `make test-all` installs it"
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "loopback.cjs").write_text(LOOPBACK_ONLY)
        (self._folder / "playground.yml").write_text(json.dumps(_config()))  # JSON is YAML
        command = [
            "node", "-r", "./loopback.cjs", str(CLI), "start", "-e", f"{self._bot_url}/api/messages", "-c", "msteams",
            "-p", str(self.port), "--service-url", f"{self.url}/_connector", "--disable-telemetry",
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={
                    **os.environ,
                    "TEAMSAPPTESTER_BROWSER": "none",
                    "APPLICATION_INSIGHTS_NO_STATSBEAT": "1",
                    "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(self._folder / "playground.yml"),
                },
                stdout=output,
                stderr=output,
            )
        until(self._answers, 60)
        threading.Thread(target=self._read, name="playground", daemon=True).start()
        assert self._connected.wait(20)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self._folder / "log").read_text()
        with suppress(OSError):
            return bool(self.call("GET", "/_internal/v1/config"))
        return False

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text.strip().startswith((b"{", b"[", b'"')) else None

    def _read(self) -> None:
        url = f"ws://127.0.0.1:{self.port}/_ws_conversation/v1/conversations/stream"
        with suppress(ConnectionClosed, OSError), connect(url, max_size=None) as stream:
            self._connected.set()
            for frame in stream:
                self._take(json.loads(frame))

    def _take(self, frame: dict[str, Any]) -> None:
        conversation = frame.get("actionConversationId", "")
        match frame.get("action"):
            case "createMessage":
                self.posted[conversation] += 1
                self.messages[frame["message"]["messageId"]] = {**frame["message"], "conversation": conversation}
            case "updateMessage":
                self.messages[frame["message"]["messageId"]] = {**frame["message"], "conversation": conversation}
            case "typing":
                self.typing += 1

    # --- what people do

    def write(self, text: str, conversation: str = PERSONAL) -> str:
        """Alice does, at the page of the simulator. Where it was posted: in a channel that begins a thread."""
        mentions = [{"mentioned": {"id": BOT}, "text": AT_US}] if AT_US in text else []
        body = {"from": {"id": f"29:{ALICE}"}, "text": text, "textFormat": "plain", "mentions": mentions}
        posted = self.call("POST", f"/_conversation/v1/conversations/{conversation}/messages", body)
        return str(posted.get("postConversationId") or conversation)

    def mention(self, text: str, conversation: str = CHANNEL) -> str:
        return self.write(f"{AT_US} {text}", conversation)

    def activity(self, kind: str, conversation: str, user: str = ALICE, **fields: Any) -> dict[str, Any]:
        """As Teams would send it to us; the simulator passes it on as it is."""
        channel = conversation.partition(";")[0]
        where: dict[str, Any] = {"tenant": {"id": TENANT}}
        if KINDS[channel] == "channel":
            where |= {"team": {"id": CHANNEL}, "channel": {"id": channel}}
        return {
            "type": kind,
            "id": str(uuid4()),
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "serviceUrl": f"{self.url}/_connector",
            "channelId": "msteams",
            "from": {"id": f"29:{user}", "name": PEOPLE[user], "aadObjectId": user},
            "recipient": {"id": BOT, "name": "Askbot"},
            "conversation": {"id": conversation, "conversationType": KINDS[channel], "tenantId": TENANT},
            "channelData": where,
            **fields,
        }

    def message(self, text: str, conversation: str = CHANNEL, user: str = ALICE, **fields: Any) -> dict[str, Any]:
        """One that somebody else writes, or that will be edited, deleted or delivered again."""
        entities = [{"type": "mention", "mentioned": {"id": BOT, "name": "Askbot"}, "text": AT_US}]
        mentioned = {"text": f"{AT_US} {text}", "entities": entities} if conversation != PERSONAL else {"text": text}
        return self.activity("message", conversation, user, **mentioned, **fields)

    def send(self, activity: dict[str, Any]) -> Any:
        return self.call("POST", "/_internal/v1/customActivities", activity)

    def click(self, message: Message, verb: str, user: str = ALICE, **inputs: str) -> str:
        """A button of a card, with what was typed into it. What the person is told."""
        action = buttons(message)[verb]
        value = {"action": {**action, "data": {**action["data"], **inputs}}}
        return self.invoke("adaptiveCard/action", value, message["conversation"], user, message["messageId"])

    def invoke(self, name: str, value: dict[str, Any], conversation: str, user: str, reply_to: str) -> str:
        told = self.call("POST", "/_conversation/v1/invoke", {
            "name": name, "value": value, "from": {"id": f"29:{user}"}, "conversation": {"id": conversation},
            "replyToId": reply_to,
        })  # fmt: skip
        return json.dumps(told, ensure_ascii=False)

    # --- what people see

    def seen(self, conversation: str, contains: str = "") -> list[Message]:
        """Ours, in the order in which they were posted."""
        mine = [message for message in list(self.messages.values()) if message["conversation"] == conversation]
        return [message for message in mine if contains in shown(message)]

    def answer(self, conversation: str, contains: str = "", after: int = 0) -> Message:
        """The first answer that says so, as soon as it is there, among those after the first `after` messages."""

        def answers() -> list[Message]:
            found = self.seen(conversation)[after:]
            return [message for message in found if "retract" in buttons(message) and contains in shown(message)]

        return until(answers, 60)[0]

    def told(self, conversation: str, contains: str, after: int = 0) -> Message:
        """The first message that says so, as soon as it is there."""
        return until(lambda: [each for each in self.seen(conversation)[after:] if contains in shown(each)], 60)[0]


def card(message: Message) -> dict[str, Any]:
    return next((dict(each["content"]) for each in message.get("attachments") or []), {})


def shown(message: Message) -> str:
    return json.dumps([message.get("text"), card(message)], ensure_ascii=False)


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    """What can be clicked, by its verb; also what unfolds first."""
    return {action["verb"]: action for action in _actions(card(message).get("body", [])) if "verb" in action}


def _actions(elements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for element in elements:
        yield from element.get("actions", [])
        yield from _actions(element.get("items", []))
