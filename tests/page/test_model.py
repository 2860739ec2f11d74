"""The model: what is shown is what /model-info and /model-card say."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.page.window import Opener


@pytest.fixture
def model_view(open_page: Opener, address: str) -> Page:
    opened = open_page(address, "#model")
    opened.locator("#card h3").first.wait_for()
    return opened


@pytest.fixture
def info(service: httpx.Client) -> dict[str, Any]:
    return dict(service.get("/model-info").json())


def test_figures_and_origin_are_told(model_view: Page, info: dict[str, Any]) -> None:
    view = model_view.locator("#model-view")
    for text in (
        f"{info['metrics']['accuracy'] * 100:.1f} %",
        f"{info['metrics']['coverage'] * 100:.1f} %",
        info["model_version"],
        info["data"]["name"],
        info["data"]["sha256"],
        info["recipe"]["name"],
        info["engine"],
        f"torch {info['libraries']['torch']}",
    ):
        expect(view).to_contain_text(text)


def test_the_confusion_matrix_is_a_table(model_view: Page, info: dict[str, Any]) -> None:
    table = model_view.locator("table").first
    cells = [int(cell) for cell in table.locator("td").all_text_contents()]
    assert cells == [count for row in info["metrics"]["confusion_matrix"] for count in row]
    expect(table.locator("th[scope=row]")).to_have_text(["Low", "Medium", "High", "Very high"])


def test_the_reliability_diagram_has_a_dot_for_each_bin(model_view: Page, info: dict[str, Any]) -> None:
    diagram = model_view.locator("#model-view svg")
    bins = info["metrics"]["reliability"]
    expect(diagram.locator("circle")).to_have_count(len(bins))
    for each in bins:
        confidence, accuracy = f"{each['confidence'] * 100:.1f} %", f"{each['accuracy'] * 100:.1f} %"
        expect(diagram).to_have_accessible_name(re.compile(f"Confidence {confidence}, Accuracy {accuracy}"))


def test_every_feature_is_told_with_its_ranges(model_view: Page, info: dict[str, Any]) -> None:
    rows = model_view.locator("table").nth(1).locator("tbody tr")
    expect(rows).to_have_count(len(info["features"]))
    ram = next(each for each in info["features"] if each["name"] == "ram")
    row = rows.filter(has_text="Memory (RAM)")
    expect(row).to_contain_text(f"{ram['low']:,.0f}–{ram['high']:,.0f} MB")
    expect(row).to_contain_text(f"{ram['plausible_low']:,.0f}–{ram['plausible_high']:,.0f} MB")


def test_the_card_is_there_without_its_pictures(model_view: Page, service: httpx.Client) -> None:
    card = model_view.locator("#card")
    written = service.get("/model-card").text
    headings = [line.lstrip("# ") for line in written.splitlines() if line.startswith("#")]
    shown = card.locator("h3, h4").all_text_contents()
    assert shown == [heading for heading in headings if heading != "Pictures"]
    for mark in ("![", "| ---", "```", "## "):
        expect(card).not_to_contain_text(mark)
    expect(card.locator("pre").first).to_contain_text("seed = 0")
    expect(card).to_contain_text("Made with python")
