import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from answerloop.testing.installation import CHECKOUT, RunningInstallation

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """The product as `make run` starts it: the whole sample handbook and the real language model."""
    home = tmp_path_factory.mktemp("office") / "state"
    installation = RunningInstallation(home, CHECKOUT / "samples" / "handbook", generator="transformers")
    installation.start()
    yield installation
    installation.stop()
    installation.database.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, "Chromium is missing: `make test-all` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go; look at them after a change of the page."""
    folder = CHECKOUT / ".e2e" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def context(chromium: Browser, office: RunningInstallation) -> Iterator[BrowserContext]:
    """A fresh browser profile that fails the test when anything leaves the machine or a script breaks."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=office.url)
    outside: list[str] = []
    errors: list[str] = []
    context.on(
        "request", lambda request: outside.append(request.url) if not request.url.startswith(office.url) else None
    )
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert outside == []
    assert errors == []


@pytest.fixture
def page(context: BrowserContext, office: RunningInstallation) -> Page:
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(office.url)
    return page
