"""Debian's Chromium on the real service; each test's page is watched for what no page of ours may do."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.absent import say_absent

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LONGEST_WAIT = 10_000
"""Milliseconds."""

NOT_OURS = ("net::ERR_", "status of 401", "status of 422", "status of 429", "status of 502", "status of 503")
"""What Chromium itself writes to the console of requests that failed, as some tests make them."""


class Watched:
    """A browser's window that knows where it asked and what it complained of."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        context.on("request", self._request)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", self._console)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _console(self, message: Any) -> None:
        own = not any(each in message.text for each in NOT_OURS)
        if message.type in ("error", "warning") and own:
            self.complaints.append(message.text)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Of this package alone: where Playwright runs, asyncio does not."""
    chromium = shutil.which("chromium")
    if not chromium:
        say_absent("the page is tried in Chromium, which is not here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS])
        yield browser
        browser.close()


class Opener:
    """Opens windows, and closes them when the test is over."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[tuple[BrowserContext, Watched]] = []

    def __call__(self, address: str, hash_: str = "", **options: Any) -> Page:
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(address))
        context = self._browser.new_context(**{"locale": "en-GB", **options})
        context.set_default_timeout(LONGEST_WAIT)
        self._opened.append((context, Watched(context, origin)))
        page = context.new_page()
        page.goto(f"{address}/{hash_}")
        return page

    def close(self) -> list[Watched]:
        for context, _ in self._opened:
            context.close()
        return [watched for _, watched in self._opened]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Open the page of a service; in the end none has asked elsewhere, and none has complained."""
    opener = Opener(browser)
    yield opener
    for watched in opener.close():
        assert watched.elsewhere == []
        assert watched.complaints == []


@pytest.fixture(scope="session")
def address(service: httpx.Client) -> str:
    return str(service.base_url).rstrip("/")


@pytest.fixture
def page(open_page: Opener, address: str) -> Page:
    """The page, with its first answer."""
    opened = open_page(address)
    wait_for_explanation(opened)
    return opened


def wait_for_explanation(page: Page) -> None:
    """Wait until the answer, its reasons and the changes are there."""
    page.locator("#contributions button").first.wait_for()
    page.locator("#changes li").first.wait_for()
    page.locator("#chart polyline").wait_for(state="attached")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures of the page are put, to be looked at."""
    folder = Path(__file__).with_name("pictures")
    folder.mkdir(exist_ok=True)
    return folder
