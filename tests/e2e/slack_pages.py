"""The simulator's own pages, as a person of the sample company sees them, and pictures of what stands there."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.request
from math import ceil, floor
from urllib.parse import parse_qs, urlencode

from PIL import Image
from playwright.sync_api import FloatRect, Locator, Page, expect
from slack_sdk.signature import SignatureVerifier

from answerloop.testing.installation import CHECKOUT
from tests.e2e.local_slack import SECRET, TEAM, LocalSlack
from tests.e2e.slack_people import CHANNELS, PEOPLE, direct

COLOURS = 96
LOOKS = """
.thread-pane { width: 620px !important }
.thread-resize-handle, .msg-hover-actions { display: none !important }
.msg, .msg:hover { background: #fff !important; padding: 10px 14px !important; margin: 0 !important }
.main .msg, .home-inner { width: 620px }
.home-inner { padding: 14px }
.modal-overlay { background: #fff !important }
.modal { border: 1px solid #bbb }
"""
"""All of one width, in which the buttons have their place, and nothing that the mouse brings up."""


class SlackPage:
    """One person's window."""

    def __init__(self, page: Page, slack: LocalSlack, user: str) -> None:
        self.page = page
        page.set_default_timeout(20_000)
        page.goto(slack.url)
        page.add_style_tag(content=LOOKS)
        page.get_by_label("Act as").select_option(user)

    def open(self, channel: str) -> SlackPage:
        name = next((PEOPLE[user][1] for user in PEOPLE if direct(user) == channel), None) or CHANNELS[channel][0]
        self.page.locator(".sidebar-item", has_text=name).click()
        return self

    def open_thread(self, ts: str) -> SlackPage:
        self.page.locator(f'.main .msg[data-ts="{ts}"] .thread-summary').click()
        return self

    def open_home(self) -> Locator:
        self.page.locator(".sidebar-item", has_text="askbot").click()
        return self.page.locator(".home-inner")

    def message(self, ts: str) -> Locator:
        """In the thread, when one is open."""
        return self._pane().locator(f'.msg[data-ts="{ts}"]')

    def saying(self, text: str) -> Locator:
        """The newest message that says this."""
        return self._pane().locator(".msg", has_text=text).last

    def _pane(self) -> Locator:
        thread = self.page.locator(".thread-pane")
        return thread if thread.count() else self.page.locator(".main")

    @property
    def dialog(self) -> Locator:
        return self.page.locator(".modal")


def buttons(shown: Locator) -> list[str]:
    return shown.locator(".bk-button").all_inner_texts()


def choose_room(slack: LocalSlack, bot_url: str, user: str, channel: str) -> None:
    """On the App Home: the request as Slack would send it, since the simulator leaves out which channel was chosen."""
    trigger = next(
        parse_qs(entry["detail"])["trigger_id"][0]
        for entry in reversed(slack.control("GET", "log")["log"])
        if (entry["kind"], entry["direction"]) == ("slash_commands", "to_bot")
    )
    action = {"type": "conversations_select", "action_id": "home_room", "block_id": "room"}
    payload = {
        "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user}, "trigger_id": trigger,
        "container": {"type": "view"}, "actions": [{**action, "selected_conversation": channel}],
    }  # fmt: skip
    body, timestamp = urlencode({"payload": json.dumps(payload)}), str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body) or "",
    }
    request = urllib.request.Request(f"{bot_url}/slack/events", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def take_picture(name: str, *shown: Locator, channel: str = "slack", margin: int = 0) -> None:
    """Of all that lies between these. Into `.e2e/pictures`; with ANSWERLOOP_WRITE_PICTURES=1 also, and small enough for
    the documents, into docs/pictures."""
    page = shown[0].page
    page.mouse.move(0, 0)
    for each in shown:
        expect(each).to_be_visible()
    boxes = [box for each in shown if (box := each.bounding_box())]
    left = max(0, ceil(min(box["x"] for box in boxes)) - margin)
    top = max(0, ceil(min(box["y"] for box in boxes)) - margin)
    right = floor(max(box["x"] + box["width"] for box in boxes)) + margin
    bottom = floor(max(box["y"] + box["height"] for box in boxes)) + margin
    clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    picture = page.screenshot(clip=clip, animations="disabled")
    folder = CHECKOUT / ".e2e" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{channel}-{name}.png").write_bytes(picture)
    if os.environ.get("ANSWERLOOP_WRITE_PICTURES"):
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        small = image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        small.save(CHECKOUT / "docs" / "pictures" / f"{channel}-{name}.png", optimize=True)
