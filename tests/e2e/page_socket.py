"""What the simulator tells its page over a socket: the App Home and dialogs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import websockets


class PageSocket:
    def __init__(self, port: int) -> None:
        self._port = port

    def home(self, user: str) -> dict[str, Any]:
        """The App Home that was published for this person; empty before that."""
        return dict(asyncio.run(self._read())["homeViews"].get(user, {}).get("A01APP", {}))

    def dialog(self) -> dict[str, Any] | None:
        """The one on top, if one is open."""
        opened = asyncio.run(self._read())["modalStack"]
        return dict(opened[-1]) if opened else None

    def submit(self, user: str, values: dict[str, Any]) -> dict[str, Any]:
        """What the page is told after the dialog on top was submitted."""
        return asyncio.run(self._submit(user, values))

    def close(self, user: str) -> None:
        """The dialog on top."""
        asyncio.run(self._tell({"t": "view_close", "user": user}))

    async def _read(self) -> dict[str, Any]:
        async with self._connect() as socket:
            return dict(json.loads(await socket.recv())["state"])

    async def _submit(self, user: str, values: dict[str, Any]) -> dict[str, Any]:
        return await self._tell({"t": "view_submit", "user": user, "values": values})

    async def _tell(self, what: dict[str, Any]) -> dict[str, Any]:
        """What the page is told of dialogs then."""
        async with self._connect() as socket:
            await socket.recv()
            await socket.send(json.dumps(what))
            while True:
                told = dict(json.loads(await asyncio.wait_for(socket.recv(), 20)))
                if told.get("t", "").startswith("view"):
                    return told

    def _connect(self) -> websockets.connect:
        return websockets.connect(f"ws://127.0.0.1:{self._port}/ui", max_size=None)
