"""Windows of a browser on the page, watched for what no page of ours may do."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

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


def wait_for_explanation(page: Page) -> None:
    """Wait until the answer, its reasons and the changes are there."""
    page.locator("#contributions button").first.wait_for()
    page.locator("#changes li").first.wait_for()
    page.locator("#chart polyline").wait_for(state="attached")
