"""Debian's Chromium on the real service; each test's page is watched for what no page of ours may do."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.absent import say_absent
from tests.page.window import Opener, wait_for_explanation

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


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


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures of the page are put, to be looked at."""
    folder = Path(__file__).with_name("pictures")
    folder.mkdir(exist_ok=True)
    return folder
