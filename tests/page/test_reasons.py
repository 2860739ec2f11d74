"""Why, and what if: bars, curve and changes are those of /explain and /what-if."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from contract.phone import FEATURES
from tests.page.test_phone import RANGES, phone_in
from tests.page.window import wait_for_explanation


@pytest.fixture
def explained(page: Page, service: httpx.Client) -> dict[str, Any]:
    return dict(service.post("/explain", json=phone_in(page)).json())


@pytest.fixture
def looked_around(page: Page, service: httpx.Client) -> dict[str, Any]:
    return dict(service.post("/what-if", json=phone_in(page)).json())


def test_every_contribution_is_told_the_largest_first(page: Page, explained: dict[str, Any]) -> None:
    rows = page.locator("#why [data-feature]")
    shown = [rows.nth(at).get_attribute("data-feature") for at in range(rows.count())]
    assert shown == [each["feature"] for each in explained["contributions"]]
    for row, each in zip(rows.all(), explained["contributions"], strict=True):
        expect(row.locator(".figure")).to_have_text(re.compile(rf"^[+-]?{abs(each['contribution']):.2f}$"))
        if each["contribution"]:
            side = "dearer" if each["contribution"] > 0 else "cheaper"
            expect(row.locator(f".{side}")).to_have_count(1)


def test_what_hardly_matters_is_folded_away(page: Page, explained: dict[str, Any]) -> None:
    small = [each for each in explained["contributions"] if abs(each["contribution"]) < 0.005]
    expect(page.locator("#others")).to_contain_text(str(len(small)))
    expect(page.locator("#small-contributions button").first).to_be_hidden()
    page.locator("#others").click()
    expect(page.locator("#small-contributions button")).to_have_count(len(small))
    expect(page.locator("#small-contributions button").first).to_be_visible()


def test_a_sentence_says_where_it_starts_and_ends(page: Page, explained: dict[str, Any]) -> None:
    expect(page.locator("#from-to")).to_contain_text(f"{explained['baseline']:.2f}")
    expect(page.locator("#from-to")).to_contain_text(f"{explained['prediction']['expected_range']:.2f}")


@pytest.mark.parametrize("name", ["ram", "battery_power", "wifi"])
def test_a_click_on_a_feature_shows_its_curve(page: Page, looked_around: dict[str, Any], name: str) -> None:
    page.locator("#others").click()
    page.locator(f"#why [data-feature={name}]").click()
    expect(page.locator(f"#why [data-feature={name}]")).to_have_attribute("aria-pressed", "true")
    curve = looked_around["curves"][FEATURES.index(name)]
    points = (page.locator("#chart polyline").get_attribute("points") or "").split()
    assert len(points) == len(curve["values"])
    heights = [float(point.split(",")[1]) for point in points]
    by_expected = [expected for _, expected in sorted(zip(heights, curve["expected_range"], strict=True))]
    assert by_expected == sorted(curve["expected_range"], reverse=True), "the higher the range, the higher up"
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile("expected range"))


def test_the_curve_is_read_and_set_with_the_keys(page: Page, looked_around: dict[str, Any]) -> None:
    page.locator("#why [data-feature=ram]").click()
    curve = looked_around["curves"][FEATURES.index("ram")]
    reader = page.get_by_role("slider", name="What if: Memory (RAM)")
    reader.press("End")
    expect(page.locator("#reading")).to_contain_text(
        f"{curve['values'][-1]:,.0f} MB · {curve['expected_range'][-1]:.2f}"
    )
    reader.press("ArrowLeft")
    value = curve["values"][-2]
    expect(reader).to_have_attribute("aria-valuetext", re.compile(f"^{value:,.0f} MB"))
    reader.press("Enter")
    expect(page.locator("#ram")).to_have_value(f"{value:.0f}")
    expect(page.locator("#range")).to_have_text("Very high")
    expect(reader).to_be_focused()


def test_a_click_on_the_curve_sets_the_control(page: Page) -> None:
    page.locator("#why [data-feature=ram]").click()
    box = page.locator("#reader").bounding_box()
    assert box
    page.locator("#reader").click(position={"x": 90, "y": box["height"] / 2})
    expect(page.locator("#range")).to_have_text("Low")
    assert float(page.locator("#ram").input_value()) < 400


def test_the_way_to_each_other_range_is_told_and_leads_there(
    page: Page, looked_around: dict[str, Any]
) -> None:
    ways = {RANGES[way["price_range"]]: way for way in looked_around["changes"]}
    assert page.locator("#changes b").all_text_contents() == list(ways)
    for name, way in ways.items():
        page.get_by_role("button", name=f"Try it: {name}", exact=True).click()
        expect(page.locator("#range")).to_have_text(name)
        for change in way["one_feature"]["changes"]:
            expect(page.locator(f"#{change['feature']}")).to_have_value(f"{change['to']:g}")
        page.get_by_role("button", name="Middle").click()
        expect(page.locator("#range")).not_to_have_text(name)
        wait_for_explanation(page)
        expect(page.locator("#changes b").first).to_have_text(next(iter(ways)))


def test_where_one_change_is_not_enough_two_are_told(page: Page, service: httpx.Client) -> None:
    least = {feature["name"]: feature["low"] for feature in service.get("/model-info").json()["features"]}
    phone = least | {"mobile_wt": 200}
    page.goto(f"{service.base_url}#" + "&".join(f"{name}={value:g}" for name, value in phone.items()))
    expect(page.locator("#range")).to_have_text("Low")
    way = service.post("/what-if", json=phone).json()["changes"][-1]
    assert way["one_feature"] is None
    told = page.locator("#changes li").last
    for change in way["two_features"]["changes"]:
        expect(told).to_contain_text(f"{change['to']:,g}")
    told.get_by_role("button").click()
    expect(page.locator("#range")).to_have_text("Very high")
