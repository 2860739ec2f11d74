"""One phone: what one changes is what is asked, and what is shown is what the service says."""

import json
import re
import subprocess
import sys
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from contract.phone import EXAMPLE, FEATURES, FLAGS
from tests.page.window import Opener, wait_for_explanation

RANGES = ("Low", "Medium", "High", "Very high")
NUMBERS = [name for name in FEATURES if name not in FLAGS]


def asked(request: Request) -> dict[str, Any]:
    return dict(json.loads(request.post_data or "{}"))


def phone_in(page: Page) -> dict[str, float]:
    """The phone that the address carries."""
    pairs = page.evaluate("location.hash").removeprefix("#").split("&")
    return {name: float(value) for name, value in (pair.split("=") for pair in pairs)}


def percentages(page: Page) -> list[str]:
    return page.locator("#probabilities .figure").all_text_contents()


def in_percent(share: float) -> str:
    if share < 0.001:
        return "<0.1 %"
    return ">99.9 %" if share > 0.999 else f"{share * 100:.1f} %"


def check_shows(page: Page, answer: dict[str, Any]) -> None:
    """Check that the page shows this answer of the service."""
    expect(page.locator("#range")).to_have_text(RANGES[answer["price_range"]])
    assert percentages(page) == [in_percent(each) for each in answer["probabilities"]]
    for price_range in answer["prediction_set"]:
        expect(page.locator("#sureness")).to_contain_text(RANGES[price_range])


@pytest.mark.parametrize("name", FEATURES)
def test_every_control_changes_what_is_asked_and_what_is_answered(
    page: Page, service: httpx.Client, name: str
) -> None:
    before = phone_in(page)
    control = page.locator(f"#{name}")
    with page.expect_response("**/predict") as caught:
        if name in FLAGS:
            control.click()
            value = 1 - before[name]
        else:
            value = before[name] + (0.1 if name in ("clock_speed", "m_dep") else 1)
            control.fill(f"{value:g}")
    assert asked(caught.value.request) == pytest.approx(before | {name: value})
    expect(page).to_have_url(re.compile(rf"[#&]{name}={value:g}(&|$)"))
    check_shows(page, service.post("/predict", json=before | {name: round(value, 1)}).json())


@pytest.mark.parametrize("name", NUMBERS)
def test_a_slider_and_its_number_are_one(page: Page, name: str) -> None:
    slider = page.locator(f".control:has(#{name}) input[type=range]")
    slider.press("End")
    expect(page.locator(f"#{name}")).to_have_value(slider.input_value())
    page.locator(f"#{name}").fill(slider.get_attribute("min") or "")
    expect(slider).to_have_value(slider.get_attribute("min") or "")


def test_a_larger_memory_makes_it_dearer(page: Page) -> None:
    page.locator("#ram").fill("300")
    expect(page.locator("#range")).to_have_text("Low")
    page.locator("#ram").fill("3900")
    expect(page.locator("#range")).to_have_text("Very high")
    expect(page).to_have_title(re.compile("^Very high"))


@pytest.mark.parametrize(
    ("example", "price_ranges"),
    [("Cheap", {0}), ("Middle", {1, 2}), ("Flagship", {3}), ("Today’s 8 GB phone", {3})],
)
def test_the_examples_are_what_they_say(
    page: Page, service: httpx.Client, example: str, price_ranges: set[int]
) -> None:
    page.get_by_role("button", name=example).click()
    expect(page.get_by_role("button", name=example)).to_have_attribute("aria-pressed", "true")
    answer = service.post("/predict", json=phone_in(page)).json()
    check_shows(page, answer)
    assert answer["price_range"] in price_ranges
    assert bool(answer["warnings"]) == (example.startswith("Today"))


def test_every_control_tells_its_name_unit_and_trained_range(page: Page, service: httpx.Client) -> None:
    for feature in service.get("/model-info").json()["features"]:
        control = page.locator(f"#{feature['name']}")
        expect(control).to_have_accessible_name(re.compile(r"\w"))
        if feature["name"] in NUMBERS:
            assert control.get_attribute("step") == f"{feature['step']:g}"
            expect(control).to_have_accessible_description(
                re.compile(f"{feature['low']:,g}–{feature['high']:,g}")
            )


def test_warnings_stand_beside_their_control_in_plain_words(page: Page) -> None:
    page.locator("#ram").fill("8192")
    expect(page.locator("#ram-note")).to_contain_text("the model only knows 258–3,998 MB")
    expect(page.locator("#notes")).to_contain_text("As a whole unlike any phone")
    page.locator("#fc").fill("15")
    expect(page.locator("#fc-note")).to_contain_text("above Main camera")
    expect(page.locator("#notes li")).to_have_count(3)
    expect(page.locator("#notes")).to_contain_text("Memory (RAM) 8,192 MB: outside 258–3,998 MB")
    expect(page.locator("#state")).to_have_text("Only a guess")
    page.locator("#notes").get_by_role("button", name="Memory").click()
    expect(page.locator("#ram")).to_be_focused()
    page.get_by_role("button", name="Middle").click()
    expect(page.locator("#notes")).to_be_empty()
    expect(page.locator("#ram-note")).to_be_empty()


def test_a_flag_that_never_stood_alone_is_told_so_below_it(page: Page) -> None:
    page.locator("#three_g").click()
    note = page.locator("#four_g-note")
    expect(note).to_have_text("4G without 3G: never seen")
    below, label = note.bounding_box(), page.locator("label:has(#four_g)").bounding_box()
    assert below
    assert label
    assert below["y"] >= label["y"] + label["height"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ram", "", "a whole number from 1 to 65,536"),
        ("ram", "0", "a whole number from 1 to 65,536"),
        ("n_cores", "2.5", "a whole number from 1 to 64"),
        ("clock_speed", "11", "a number from 0.05 to 10"),
        ("px_height", "-1", "a whole number from 0 to 20,000"),
    ],
)
def test_what_no_phone_can_be_is_explained_and_not_sent(
    page: Page, name: str, value: str, expected: str
) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    control = page.locator(f"#{name}")
    control.fill(value)
    expect(control).to_have_attribute("aria-invalid", "true")
    expect(control).to_have_accessible_description(re.compile(f"Expected: {expected}"))
    expect(page.locator("#state")).to_contain_text("Out of date")
    page.wait_for_timeout(300)
    assert sent == []
    control.fill("5")
    expect(control).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#state")).not_to_contain_text("Out of date")


def test_a_link_carries_the_phone(page: Page, open_page: Opener) -> None:
    page.locator("#ram").fill("3333")
    page.locator("#wifi").click()
    expect(page).to_have_url(re.compile("ram=3333.*wifi=0"))
    address, shared = page.url.split("/#")
    other = open_page(address, f"#{shared}")
    wait_for_explanation(other)
    expect(other.locator("#ram")).to_have_value("3333")
    expect(other.locator("#wifi")).not_to_be_checked()
    assert percentages(other) == percentages(page)


@pytest.mark.parametrize("broken", ["#ram=x&wifi=7&nonsense=1", "#%ff", "#ram=", "#=&&=", "#ram=1e999"])
def test_a_broken_link_falls_back_to_the_example(open_page: Opener, address: str, broken: str) -> None:
    opened = open_page(address, broken)
    wait_for_explanation(opened)
    expect(opened.locator("#ram")).to_have_value("2048")
    assert set(phone_in(opened)) == set(FEATURES)


def test_back_returns_to_the_phone_before(page: Page) -> None:
    page.get_by_role("button", name="Cheap").click()
    expect(page.locator("#range")).to_have_text("Low")
    page.get_by_role("button", name="Flagship").click()
    expect(page.locator("#range")).to_have_text("Very high")
    page.go_back()
    expect(page.locator("#range")).to_have_text("Low")
    expect(page.locator("#ram")).to_have_value("512")


def test_the_phone_is_kept_when_one_looks_elsewhere(page: Page) -> None:
    page.locator("#ram").fill("3333")
    expect(page).to_have_url(re.compile("ram=3333"))
    for view in ("A table", "The model", "One phone"):
        page.get_by_role("link", name=view).click()
        expect(page.get_by_role("link", name=view)).to_have_attribute("aria-current", "page")
    expect(page.locator("#ram")).to_have_value("3333")
    expect(page).to_have_url(re.compile("ram=3333"))


def test_an_answer_that_comes_too_late_is_dropped(page: Page) -> None:
    held: list[Any] = []

    def hold_the_first(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/predict", hold_the_first)
    page.locator("#ram").fill("300")
    page.wait_for_timeout(200)
    page.locator("#ram").fill("3900")
    expect(page.locator("#range")).to_have_text("Very high")
    assert held
    assert asked(held[0].request)["ram"] == 300
    held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#range")).to_have_text("Very high")


def test_of_quick_changes_only_the_last_is_asked(page: Page) -> None:
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.evaluate(
        """() => {
            const ram = document.getElementById("ram");
            for (let value = 2001; value <= 2040; value++) {
                ram.value = value;
                ram.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    page.wait_for_timeout(400)
    sent = [asked(each)["ram"] for each in requests if each.url.endswith("/predict")]
    assert sent == [2040]


def test_the_request_is_told_as_curl_and_python_that_work(page: Page, service: httpx.Client) -> None:
    page.locator("#ram").fill("3456")
    page.get_by_text("The same by program").click()
    expect(page.locator("#curl")).to_contain_text("3456")
    answer = service.post("/predict", json=phone_in(page)).json()
    for told, command in (("curl", ["bash", "-c"]), ("python", [sys.executable, "-c"])):
        text = page.locator(f"#{told}").text_content() or ""
        done = subprocess.run([*command, text], capture_output=True, text=True, check=True)
        assert str(answer["probabilities"][0]) in done.stdout
        assert answer["model_version"] in done.stdout


def test_the_request_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("The same by program").click()
    page.get_by_role("button", name="Copy curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#curl").text_content()


def test_the_answer_is_spoken_in_one_sentence(page: Page) -> None:
    page.get_by_role("button", name="Cheap").click()
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^Low.*%"))
    expect(page.locator("#spoken")).to_have_attribute("role", "status")


def test_the_example_of_the_interface_gives_the_same_answer_here(
    open_page: Opener, address: str, service: httpx.Client
) -> None:
    opened = open_page(address, "#" + "&".join(f"{name}={value:g}" for name, value in EXAMPLE.items()))
    wait_for_explanation(opened)
    check_shows(opened, service.post("/predict", json=EXAMPLE).json())
