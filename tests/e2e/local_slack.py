"""An independent simulator of Slack, as a process on loopback, and what people do and see there."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from answerloop.testing.installation import CHECKOUT, free_port, until
from tests.e2e.page_socket import PageSocket

BINARY = CHECKOUT / ".e2e" / "node_modules" / "local-slack-linux-x64" / "bin" / "local-slack"
LOOPBACK_ONLY = 'const s = Bun.serve; (Bun as any).serve = (o: any) => s({ ...o, hostname: "127.0.0.1" });'
TEAM, BOT, SECRET = "T01TEST", "U0BOT", "test-signing-secret"
ALICE, BOB, HARRIET = "U01ALICE", "U02BOB", "U03HARRIET"
GENERAL, ASK_ANYTHING, ALICES, HARRIETS = "C01GEN", "C02ASK", "D01ALICE", "D03HARRIET"
CONFIG = """
workspace: {{ name: Orrenby, domain: orrenby, teamId: T01TEST }}
app: {{ appId: A01APP, botUserId: U0BOT, botName: askbot, botToken: xoxb-test-token, appToken: xapp-test-token,
       signingSecret: test-signing-secret, {mode} }}
users:
  - {{ id: U01ALICE, name: alice, real_name: Alice Amari, email: alice@orrenby.example }}
  - {{ id: U02BOB, name: bob, real_name: Bob Berg, email: bob@orrenby.example }}
  - {{ id: U03HARRIET, name: harriet, real_name: Harriet Quill, email: harriet@orrenby.example }}
channels:
  - {{ id: C01GEN, name: general, members: [U01ALICE, U02BOB, U03HARRIET, U0BOT] }}
  - {{ id: C02ASK, name: ask-anything, members: [U01ALICE, U02BOB, U0BOT] }}
  - {{ id: D01ALICE, name: dm-alice, is_im: true, is_channel: false, is_private: true, members: [U01ALICE, U0BOT] }}
  - {{ id: D03HARRIET, name: dm-harriet, is_im: true, is_channel: false, is_private: true,
       members: [U03HARRIET, U0BOT] }}
"""
Message = dict[str, Any]


class LocalSlack:
    """Started for an installation that listens on `bot_url`, or that connects by itself."""

    def __init__(self, folder: Path, bot_url: str | None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        mode = f"mode: events, requestUrl: {bot_url}/slack/events" if bot_url else "mode: socket"
        (folder / "workspace.yaml").write_text(CONFIG.format(mode=mode))
        (folder / "loopback.ts").write_text(LOOPBACK_ONLY)
        self._page = PageSocket(self.port)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BINARY.exists(), "the simulator of Slack is missing: `make test-all` installs it"
        command = [str(BINARY), "--config", "workspace.yaml", "--port", str(self.port), "--base-host", "127.0.0.1",
                   "--files-dir", "files"]  # fmt: skip
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, "BUN_OPTIONS": "--preload ./loopback.ts"},
                stdout=output,
                stderr=output,
            )
        until(self._answers, 20)

    def _answers(self) -> bool:
        try:
            return bool(self.control("GET", "state"))
        except OSError:
            return False

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_control/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"null")

    def connections(self) -> int:
        """How often somebody has opened a Socket Mode connection."""
        return sum("socket connected" in entry["summary"] for entry in self.control("GET", "log")["log"])

    # --- what people do

    def write(self, text: str, channel: str = GENERAL, user: str = ALICE, thread: str | None = None) -> str:
        """Returns when our bot has acknowledged it."""
        body = {"channel": channel, "user": user, "text": text} | ({"thread_ts": thread} if thread else {})
        return str(self.control("POST", "message", body)["message"]["ts"])

    def mention(self, text: str, user: str = ALICE, thread: str | None = None) -> str:
        return self.write(f"<@{BOT}> {text}", GENERAL, user, thread)

    def edit(self, message: str, text: str, channel: str = GENERAL, user: str = ALICE) -> None:
        self.control("POST", "edit-message", {"channel": channel, "ts": message, "user": user, "text": text})

    def delete(self, message: str, channel: str = GENERAL, user: str = ALICE) -> None:
        self.control("POST", "delete-message", {"channel": channel, "ts": message, "user": user})

    def command(self, text: str, channel: str = GENERAL, user: str = ALICE) -> None:
        self.control("POST", "command", {"channel": channel, "user": user, "command": "/ask", "text": text})

    def react(self, channel: str, message: Message, name: str, user: str, *, present: bool = True) -> None:
        body = {"channel": channel, "ts": message["ts"], "user": user, "name": name, "present": present}
        self.control("POST", "reaction", body)

    def click(self, channel: str, message: Message, action: str, user: str = ALICE, value: str | None = None) -> None:
        element = elements(message)[action]
        self.control("POST", "interact", {
            "channel": channel, "messageTs": message["ts"], "user": user,
            "action": {"type": element["type"], "action_id": action, "block_id": "b",
                       "value": value or element["value"]},
        })  # fmt: skip

    def rate(self, channel: str, message: Message, thumb: str, user: str = ALICE) -> None:
        """`up` or `down`, by whatever buttons the message has for it."""
        both = elements(message).get("answer_feedback")
        if both:
            value = both["positive_button" if thumb == "up" else "negative_button"]["value"]
            self.click(channel, message, "answer_feedback", user, value)
        else:
            self.click(channel, message, f"answer_{thumb}", user)

    def dialog(self) -> dict[str, Any]:
        """The one that is open, as soon as one is."""
        return until(self._page.dialog)

    def submit_dialog(self, user: str, values: dict[str, Any]) -> dict[str, Any]:
        """What the page is told after the dialog on top was submitted."""
        return self._page.submit(user, values)

    def close_dialog(self, user: str) -> None:
        self._page.close(user)

    def home(self, user: str) -> str:
        """All words of the App Home that is published when this person opens it."""
        before = self._page.home(user).get("hash")
        self.control("POST", "open-home", {"user": user})
        until(lambda: self._page.home(user).get("hash") != before)
        return shown(self._page.home(user))

    # --- what people see

    def messages(self, channel: str = GENERAL, since: str = "") -> list[Message]:
        found = self.control("GET", f"messages/{channel}")["messages"]
        return [message for message in found if message["ts"] > since]

    def message(self, ts: str, channel: str = GENERAL) -> Message:
        return next(message for message in self.messages(channel) if message["ts"] == ts)

    def replies(self, thread: str, channel: str = GENERAL) -> list[Message]:
        """What everybody in the thread sees of us there."""
        return [
            message for message in self.messages(channel) if message.get("thread_ts") == thread and _is_ours(message)
        ]

    def answer(self, thread: str, channel: str = GENERAL, contains: str = "", after: str = "") -> Message:
        """The first answer in the thread, as soon as it says so."""

        def answers() -> list[Message]:
            found = [message for message in self.replies(thread, channel) if message["ts"] > after]
            return [
                message for message in found if "answer_retract" in elements(message) and contains in shown(message)
            ]

        return until(answers, 60)[0]

    def private(self, user: str, contains: str = "", channel: str = GENERAL, since: str = "") -> Message:
        """The last message for this person's eyes alone that says so, as soon as it is there."""

        def told() -> list[Message]:
            found = [message for message in self.messages(channel, since) if message.get("ephemeral_to") == user]
            return [message for message in found if contains in shown(message)]

        return until(told, 60)[-1]

    def public(self, contains: str, since: str, channel: str = GENERAL) -> Message:
        """The first message of ours in the channel itself that says so, as soon as it is there."""

        def said() -> list[Message]:
            found = [message for message in self.messages(channel, since) if _is_ours(message)]
            return [message for message in found if "thread_ts" not in message and contains in shown(message)]

        return until(said, 60)[0]

    def direct_channel(self, user: str) -> str | None:
        """Of this person and us, once somebody has opened it."""
        channels = self.control("GET", "state")["channels"]
        return next((each["id"] for each in channels if each["is_im"] and set(each["members"]) == {user, BOT}), None)

    def reactions(self, ts: str, channel: str = GENERAL) -> set[str]:
        """Ours."""
        return {each["name"] for each in self.message(ts, channel).get("reactions") or [] if BOT in each["users"]}


def elements(message: Message) -> dict[str, dict[str, Any]]:
    """What can be clicked, by its action."""
    found = [element for block in message.get("blocks") or [] for element in block.get("elements", [])]
    return {element["action_id"]: element for element in found if "action_id" in element}


def shown(message: Message) -> str:
    """All words of a message or a view."""
    return json.dumps([message.get("text"), message.get("blocks")], ensure_ascii=False)


def _is_ours(message: Message) -> bool:
    return message.get("user") == BOT and "ephemeral_to" not in message
