"""Where the service is stopped, slow, busy or locked, the page says so, loses nothing and goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Opener, wait_for_explanation
from tests.running_service import ARTIFACTS, PROJECT, free_port, running_service, wait_until_ready

KEY = "a-key-of-the-one-who-prices-phones-0"


@contextmanager
def serving_on(port: int) -> Iterator[str]:
    """The service on this port, until it is stopped."""
    command = [sys.executable, "-m", "service", "serve", "--artifacts", str(ARTIFACTS), "--port", str(port)]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"PHONE_PRICE_ACCESS_LOG": "false"})
    address = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=address) as client:
            wait_until_ready(client, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_service_that_stops_and_comes_back_is_waited_for(open_page: Opener) -> None:
    port = free_port()
    with serving_on(port) as address:
        opened = open_page(address)
        wait_for_explanation(opened)
        expect(opened.locator("#range")).to_have_text("High")
    opened.locator("#ram").fill("300")
    expect(opened.locator("#banner")).to_contain_text("does not answer")
    expect(opened.locator("#state")).to_contain_text("Out of date")
    expect(opened.locator("#range")).to_have_text("High")  # the last answer stays
    with serving_on(port):
        expect(opened.locator("#range")).to_have_text("Low", timeout=15_000)
        expect(opened.locator("#banner")).to_be_empty()
        expect(opened.locator("#state")).to_be_empty()
        expect(opened.locator("#changes b").first).to_have_text("Medium", timeout=10_000)


def test_a_slow_service_is_asked_once_and_waited_for(page: Page) -> None:
    held: list[Any] = []
    page.route("**/predict", lambda route: held.append(route))
    page.locator("#ram").fill("300")
    expect(page.locator("#state")).to_have_text("Asking…")
    page.wait_for_timeout(1_000)
    (route,) = held
    route.continue_()
    expect(page.locator("#range")).to_have_text("Low")
    expect(page.locator("#state")).to_be_empty()


def test_a_busy_service_is_asked_again_after_the_time_it_says(page: Page) -> None:
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        detail = '{"detail":[{"type":"service_unavailable","loc":[],"msg":"Too much to do at once"}]}'
        route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/json", body=detail)

    page.route("**/predict", refuse_once)
    page.locator("#ram").fill("300")
    expect(page.locator("#banner")).to_contain_text("busy")
    expect(page.locator("#range")).to_have_text("Low")
    expect(page.locator("#banner")).to_be_empty()


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    with running_service(ARTIFACTS, PHONE_PRICE_API_KEYS=KEY) as running:
        yield str(running.client.base_url).rstrip("/")


def test_where_a_key_is_needed_it_is_asked_for_and_kept_nowhere(locked: str, open_page: Opener) -> None:
    opened = open_page(locked)
    dialog = opened.get_by_role("dialog", name="This service needs a key")
    opened.get_by_label("API key").fill("wrong" * 8)
    opened.get_by_role("button", name="Use it").click()
    expect(dialog).to_contain_text("not accepted")
    opened.get_by_label("API key").fill(KEY)
    opened.get_by_role("button", name="Use it").click()
    wait_for_explanation(opened)
    expect(dialog).to_be_hidden()
    for storage in ("localStorage", "sessionStorage"):
        assert KEY not in opened.evaluate(f"JSON.stringify({storage})")
    assert opened.evaluate("document.cookie") == ""
    assert KEY not in opened.content()
    assert KEY not in opened.url
    opened.get_by_text("The same by program").click()
    expect(opened.locator("#curl")).to_contain_text("X-API-Key: $API_KEY")
    opened.get_by_role("link", name="A table").click()
    opened.get_by_role("button", name="Try with an example table").click()
    expect(opened.locator("#result tbody tr")).to_have_count(4)
    opened.reload()
    expect(dialog).to_be_visible()
