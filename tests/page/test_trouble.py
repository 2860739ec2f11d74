"""Where the service is stopped, slow, busy or locked, the page says so, loses nothing and goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from contract.bundle import current_version, read_current, switch_current
from contract.phone import FEATURES
from tests.page.window import Opener, wait_for_explanation
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


@pytest.mark.parametrize(
    ("status", "headers", "banner"),
    [
        (503, {"Retry-After": "1"}, "busy"),
        (503, {}, "does not answer"),
        (502, {}, "does not answer"),
        (429, {}, "does not answer"),
    ],
)
def test_a_busy_service_is_asked_again(page: Page, status: int, headers: dict[str, str], banner: str) -> None:
    """As it answers itself, with the time to wait, or a proxy does for it."""
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=status, headers=headers, body="<h1>Try later</h1>")

    page.route("**/predict", refuse_once)
    page.locator("#ram").fill("300")
    expect(page.locator("#banner")).to_contain_text(banner)
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
    opened.get_by_label("API key").fill("钥匙")  # no header can carry that
    opened.get_by_role("button", name="Use it").click()
    expect(dialog).to_be_visible()
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


def test_a_new_model_is_taken_over(open_page: Opener, tiny_artifacts: Path, tmp_path: Path) -> None:
    """What the controls say of the trained range is the new one's, and so is the model view."""
    artifacts = Path(shutil.copytree(ARTIFACTS, tmp_path / "artifacts"))
    version = current_version(tiny_artifacts)
    shutil.copytree(tiny_artifacts / version, artifacts / version)
    trained = read_current(tiny_artifacts).manifest.features[FEATURES.index("ram")]
    with running_service(artifacts, PHONE_PRICE_RELOAD_SECONDS="0.1") as running:
        opened = open_page(str(running.client.base_url).rstrip("/"))
        wait_for_explanation(opened)
        switch_current(artifacts, version)
        opened.wait_for_timeout(1_000)
        opened.locator("#ram").fill("2222")
        expect(opened.locator("#ram-range")).to_have_text(f"{trained.low:,.0f}–{trained.high:,.0f} MB")
        expect(opened.locator("#ram")).to_have_value("2222")
        opened.get_by_role("link", name="The model").click()
        expect(opened.locator("#model-view")).to_contain_text(version)
