"""What the simulator tells its page over a socket: the App Home and dialogs."""

from __future__ import annotations

import json
from typing import Any

from websockets.sync.client import connect


class PageSocket:
    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/ui"

    def home(self, user: str) -> dict[str, Any]:
        """The App Home that was published for this person; empty before that."""
        return dict(self._read()["homeViews"].get(user, {}).get("A01APP", {}))

    def dialog(self) -> dict[str, Any] | None:
        """The one on top, if one is open."""
        opened = self._read()["modalStack"]
        return dict(opened[-1]) if opened else None

    def submit(self, user: str, values: dict[str, Any]) -> dict[str, Any]:
        """What the page is told after the dialog on top was submitted."""
        return self._tell({"t": "view_submit", "user": user, "values": values})

    def close(self, user: str) -> None:
        """The dialog on top."""
        self._tell({"t": "view_close", "user": user})

    def _tell(self, what: dict[str, Any]) -> dict[str, Any]:
        """What the page is told of dialogs then."""
        with connect(self._url, max_size=None) as socket:
            socket.recv()
            socket.send(json.dumps(what))
            while True:
                told = dict(json.loads(socket.recv(20)))
                if told.get("t", "").startswith("view"):
                    return told

    def _read(self) -> dict[str, Any]:
        with connect(self._url, max_size=None) as socket:
            return dict(json.loads(socket.recv())["state"])
