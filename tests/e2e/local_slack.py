"""An independent simulator of Slack, as a process on loopback, and what people do there."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import websockets

from answerloop.testing.installation import CHECKOUT, free_port, until

BINARY = CHECKOUT / ".e2e" / "node_modules" / "local-slack-linux-x64" / "bin" / "local-slack"
LOOPBACK_ONLY = 'const s = Bun.serve; (Bun as any).serve = (o: any) => s({ ...o, hostname: "127.0.0.1" });'
TEAM, BOT, GENERAL, DIRECT = "T01TEST", "U0BOT", "C01GEN", "D01ALICE"
ALICE, BOB, GUS = "U01ALICE", "U02BOB", "U03GUS"
SECRET = "test-signing-secret"
CONFIG = """
workspace: {{ name: Orrenby, domain: orrenby, teamId: T01TEST }}
app: {{ appId: A01APP, botUserId: U0BOT, botName: askbot, botToken: xoxb-test-token, appToken: xapp-test-token,
       signingSecret: test-signing-secret, {mode} }}
users:
  - {{ id: U01ALICE, name: alice, real_name: Alice Amari, email: alice@orrenby.example }}
  - {{ id: U02BOB, name: bob, real_name: Bob Berg, email: bob@orrenby.example }}
channels:
  - {{ id: C01GEN, name: general, members: [U01ALICE, U02BOB, U0BOT] }}
  - {{ id: D01ALICE, name: dm-alice, is_im: true, is_channel: false, is_private: true, members: [U01ALICE, U0BOT] }}
"""


class LocalSlack:
    """Started for an installation that listens on `bot_url`, or that connects by itself."""

    def __init__(self, folder: Path, bot_url: str | None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        mode = f"mode: events, requestUrl: {bot_url}/slack/events" if bot_url else "mode: socket"
        (folder / "workspace.yaml").write_text(CONFIG.format(mode=mode))
        (folder / "loopback.ts").write_text(LOOPBACK_ONLY)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
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

    # --- what people do

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_control/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def write(self, text: str, channel: str = GENERAL, user: str = ALICE, thread: str | None = None) -> str:
        body = {"channel": channel, "user": user, "text": text} | ({"thread_ts": thread} if thread else {})
        return str(self.control("POST", "message", body)["message"]["ts"])

    def command(self, text: str, channel: str = GENERAL, user: str = ALICE) -> None:
        self.control("POST", "command", {"channel": channel, "user": user, "command": "/ask", "text": text})

    def click(self, channel: str, message: dict[str, Any], action: str, user: str = ALICE) -> None:
        block, element = next(
            (block, element)
            for block in message["blocks"]
            for element in block.get("elements", [])
            if element.get("action_id") == action
        )
        self.control("POST", "interact", {
            "channel": channel, "messageTs": message["ts"], "user": user,
            "action": {"type": "button", "action_id": action, "block_id": block.get("block_id", ""),
                       "value": element["value"]},
        })  # fmt: skip

    def messages(self, channel: str = GENERAL) -> list[dict[str, Any]]:
        found = self.control("GET", f"messages/{channel}")
        return list(found["messages"] if isinstance(found, dict) else found)

    def replies(self, thread: str, channel: str = GENERAL) -> list[dict[str, Any]]:
        """What we have posted in that thread."""
        return [m for m in self.messages(channel) if m.get("thread_ts") == thread and m.get("user") == BOT]

    def answer(self, thread: str, channel: str = GENERAL, contains: str = "") -> dict[str, Any]:
        """The one reply in the thread, as soon as it is the answer."""

        def answered() -> dict[str, Any] | None:
            found = [m for m in self.replies(thread, channel) if _buttons(m)]
            return found[0] if found and contains in json.dumps(found[0], ensure_ascii=False) else None

        return until(answered, 60)

    # --- dialogs, over the socket of its page

    def submit_dialog(self, user: str, values: dict[str, Any]) -> dict[str, Any]:
        """What the page is told after the dialog on top was submitted."""
        return asyncio.run(self._submit(user, values))

    async def _submit(self, user: str, values: dict[str, Any]) -> dict[str, Any]:
        async with websockets.connect(f"ws://127.0.0.1:{self.port}/ui") as socket:
            await socket.recv()
            await socket.send(json.dumps({"t": "view_submit", "user": user, "values": values}))
            while True:
                told = dict(json.loads(await asyncio.wait_for(socket.recv(), 20)))
                if told.get("t", "").startswith("view"):
                    return told


def _buttons(message: dict[str, Any]) -> bool:
    return any(block["type"] in ("actions", "context_actions") for block in message.get("blocks") or [])
