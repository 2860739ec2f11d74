"""For everybody: screen readers, keyboards, narrow screens, both themes and languages; with pictures."""

from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.window import Opener, wait_for_explanation

VIEWS = {"phone": "", "table": "#table", "model": "#model"}
SCHEMES = ("light", "dark")
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 360, "height": 740}}


def ready(page: Page, view: str) -> None:
    if view == "phone":
        wait_for_explanation(page)
    elif view == "table":
        page.locator("#try-table").click()
        page.locator("#result tbody tr").first.wait_for()
    else:
        page.locator("#card h3").first.wait_for()


@pytest.mark.parametrize(
    ("view", "scheme", "size", "locale"),
    list(product(VIEWS, SCHEMES, SIZES, ("en-GB", "zh-CN"))),
)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    open_page: Opener, address: str, pictures: Path, view: str, scheme: str, size: str, locale: str
) -> None:
    opened = open_page(
        address,
        VIEWS[view],
        color_scheme=scheme,
        viewport=SIZES[size],
        locale=locale,
        reduced_motion="reduce",
    )
    ready(opened, view)
    opened.screenshot(path=pictures / f"{view}-{scheme}-{size}-{locale}.png", full_page=True)
    assert opened.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    found = Axe().run(opened)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_where_there_are_warnings_and_mistakes(open_page: Opener, address: str) -> None:
    for scheme in SCHEMES:
        opened = open_page(address, color_scheme=scheme)
        wait_for_explanation(opened)
        opened.get_by_role("button", name="8 GB").click()
        expect(opened.locator("#notes")).not_to_be_empty()
        opened.locator("#n_cores").fill("")
        opened.locator("#others").click()
        opened.get_by_text("The same by program").click()
        found = Axe().run(opened)
        assert found.violations_count == 0, found.generate_report()


def test_axe_would_find_something(page: Page) -> None:
    """The control: without its label a control is found."""
    page.evaluate("document.querySelector('label[for=ram]').remove()")
    assert Axe().run(page).violations_count > 0


@pytest.mark.parametrize(
    ("languages", "lang", "range_"),
    [("en-GB", "en", "High"), ("zh-CN", "zh-CN", "高"), ("zh-TW", "zh-CN", "高"), ("fr-FR", "en", "High")],
)
def test_it_speaks_the_browsers_language(
    open_page: Opener, address: str, languages: str, lang: str, range_: str
) -> None:
    opened = open_page(address, locale=languages)
    wait_for_explanation(opened)
    expect(opened.locator("#range")).to_have_text(range_)
    expect(opened.locator("html")).to_have_attribute("lang", lang)


def test_the_language_can_be_switched_and_is_remembered(page: Page) -> None:
    page.locator("#ram").fill("3900")
    expect(page.locator("#range")).to_have_text("Very high")
    page.locator("#language").click()
    expect(page.locator("#range")).to_have_text("很高")
    expect(page.locator("label[for=ram]")).to_have_text("运行内存")
    expect(page.locator("#ram")).to_have_value("3900")
    page.reload()
    expect(page.locator("#range")).to_have_text("很高")
    for view in ("表格", "模型"):
        page.get_by_role("link", name=view).click()
        expect(page.get_by_role("link", name=view)).to_have_attribute("aria-current", "page")
    page.locator("#language").click()
    expect(page.locator("#model-view")).to_contain_text("held-out phones")


def test_no_word_is_missing_in_either_language(page: Page) -> None:
    missing = page.evaluate(
        """async () => {
            const { WORDS } = await import(new URL("page/words.js", document.baseURI));
            return Object.entries(WORDS).filter(([, words]) => words.length !== 2).map(([key]) => key);
        }"""
    )
    assert missing == []


def test_all_can_be_reached_with_the_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    reached = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.feature"))
    assert {"language", "ram", "wifi", "mobile_wt", "reader", "others"} <= reached


def test_a_switch_is_turned_with_the_space_bar(page: Page) -> None:
    page.locator("#wifi").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("switch", name="Wi-Fi")).not_to_be_checked()


def test_on_a_narrow_screen_the_answer_stays_in_sight(open_page: Opener, address: str) -> None:
    opened = open_page(address, viewport=SIZES["narrow"])
    wait_for_explanation(opened)
    opened.locator("#m_dep").scroll_into_view_if_needed()
    opened.locator("#m_dep").fill("0.9")
    expect(opened.locator("#compact-range")).to_be_in_viewport()
    expect(opened.locator("#compact-range")).to_have_text("High")
    expect(opened.locator("#m_dep")).to_be_in_viewport()


@pytest.mark.parametrize("size", SIZES)
def test_a_line_with_the_answer_shows_only_while_the_answer_is_out_of_sight(
    open_page: Opener, address: str, size: str
) -> None:
    opened = open_page(address, viewport=SIZES[size])
    wait_for_explanation(opened)
    expect(opened.locator("#compact")).not_to_be_visible()
    opened.locator("#changes").scroll_into_view_if_needed()
    expect(opened.locator("#compact")).to_be_visible()


def test_nothing_moves_when_the_first_answer_comes(open_page: Opener, address: str) -> None:
    opened = open_page(address)
    opened.evaluate(
        """() => {
            window.shift = 0;
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) window.shift += entry.value;
            }).observe({ type: "layout-shift", buffered: true });
        }"""
    )
    wait_for_explanation(opened)
    opened.wait_for_timeout(300)
    assert opened.evaluate("window.shift") < 0.1, "what web.dev calls good"
