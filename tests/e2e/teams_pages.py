"""The page of Microsoft's simulator of Teams, where Alice sits."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.e2e.slack_pages import take_picture
from tests.e2e.teams_office import TeamsOffice

CARD = ".ac-adaptiveCard"
LUNCH, GENERAL = "Lunch", "Orrenby - General"
MARGIN = 24


class TeamsPage:
    """Opening it installs the bot, as the simulator sees it."""

    def __init__(self, page: Page, office: TeamsOffice) -> None:
        self.page = page
        self._office = office
        page.set_default_timeout(40_000)
        page.goto(office.teams.url)
        page.get_by_role("button", name="Hide log panel").click()
        self.card("I answer questions").wait_for()

    def open(self, place: str) -> TeamsPage:
        self.page.get_by_role("treeitem", name=place).click()
        return self

    def ask(self, text: str) -> Locator:
        """In the personal chat."""
        self.page.get_by_role("textbox").last.fill(text)
        return self._sent("Send Message", text)

    def mention(self, text: str) -> Locator:
        """In the group chat or channel that is open; there it begins a thread. The page drops a reply that is faster
        than what it is told of its own post, so nobody replies before that."""
        with self._office.deliveries_on_hold():
            posted = self._mention(text)
            posted.wait_for()
            self.page.wait_for_timeout(500)
        return posted

    def _mention(self, text: str) -> Locator:
        is_channel = self.page.get_by_role("button", name="Post").count() > 0
        self.page.get_by_role("textbox").first.click()
        self.page.keyboard.type("@Ask", delay=60)
        self.page.get_by_role("menuitem", name="Askbot").click()
        self.page.keyboard.type(f" {text}")
        return self._sent("Post" if is_channel else "Send Message", text)

    def _sent(self, button: str, text: str) -> Locator:
        self.page.get_by_role("button", name=button).first.click()
        in_no_card = f"//*[text()[contains(., {text!r})]][not(ancestor::*[contains(@class, 'ac-adaptiveCard')])]"
        return self.page.locator(f"xpath={in_no_card}").last.locator("xpath=..")

    def card(self, saying: str) -> Locator:
        """The newest that says this."""
        return self.page.locator(CARD, has_text=saying).last


def picture(name: str, *shown: Locator) -> None:
    """The field for the next message stands in the way of what is below it."""
    shown[-1].evaluate("element => element.scrollIntoView({block: 'center'})")
    take_picture(name, *shown, channel="teams", margin=MARGIN)
