"""A whole table: sent, counted, shown, saved; what the page saves is what the service answers."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from contract.phone import EXAMPLE, FEATURES
from tests.page.test_phone import RANGES
from tests.page.window import Opener

SCORED = {"keep": "all", "on_error": "skip"}
CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}


@pytest.fixture
def table_view(open_page: Opener, address: str) -> Page:
    return open_page(address, "#table")


def send(page: Page, name: str, content: bytes) -> None:
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


def table_of(phones: int, **changes: str) -> bytes:
    """A CSV of the same phone so often; changes are made in its second row."""
    lines = [",".join(FEATURES), *[",".join(f"{EXAMPLE[name]:g}" for name in FEATURES)] * phones]
    if changes:
        lines[2] = ",".join(changes.get(name, f"{EXAMPLE[name]:g}") for name in FEATURES)
    return "\n".join(lines).encode() + b"\n"


def downloaded(page: Page) -> tuple[str, bytes]:
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download the result").click()
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def bars(page: Page) -> list[str]:
    return page.locator("#result .bars .figure").all_text_contents()


def test_a_thousand_real_phones_are_scored_and_saved_as_the_service_answers(
    table_view: Page, service: httpx.Client, unlabelled_table: Path
) -> None:
    content = unlabelled_table.read_bytes()
    send(table_view, "phones_unlabelled.csv", content)
    expect(table_view.locator("#result")).to_contain_text("phones_unlabelled.csv: 1,000 rows")
    answer = service.post("/predict/batch", params=SCORED, content=content, headers=CSV)
    name, saved = downloaded(table_view)
    assert name == "phones_unlabelled-prices.csv"
    assert saved == answer.content
    answers = list(csv.DictReader(io.StringIO(answer.text)))
    counts = [sum(int(row["price_range"]) == each for row in answers) for each in range(4)]
    assert bars(table_view) == [*map(str, counts), "0"]
    cells = table_view.locator("#result tbody tr").nth(7).locator("th, td").all_text_contents()
    assert cells[0] == "9", "the line in the file, of which the header is the first"
    assert cells[1] == RANGES[int(answers[7]["price_range"])]
    assert cells[6] == answers[7]["id"]


def test_the_rows_are_shown_by_pages(table_view: Page, unlabelled_table: Path) -> None:
    send(table_view, "phones.csv", unlabelled_table.read_bytes())
    rows = table_view.locator("#result tbody tr")
    expect(rows).to_have_count(50)
    for button, first in (("Next", "52"), ("Last", "952"), ("Previous", "902"), ("First", "2")):
        table_view.get_by_role("button", name=button, exact=True).click()
        expect(rows.first.locator("th")).to_have_text(first)


def test_broken_rows_are_told_in_their_place(table_view: Page) -> None:
    send(table_view, "some.csv", table_of(120, n_cores="2.5", ram="lots"))
    expect(table_view.locator("#result")).to_contain_text("some.csv: 120 rows")
    assert bars(table_view)[-1] == "1"
    broken = table_view.locator("#result tbody tr").nth(1)
    expect(broken).to_contain_text("Line 3, column n_cores")
    expect(broken).to_contain_text("Line 3, column ram")
    table_view.get_by_label("Only rows with errors").check()
    expect(table_view.locator("#result tbody tr")).to_have_count(1)
    expect(table_view.locator("#result tbody tr")).to_contain_text("Line 3")


def test_warnings_are_told_in_words(table_view: Page) -> None:
    send(table_view, "some.csv", table_of(3, ram="8192", fc="15"))
    notes = table_view.locator("#result tbody tr").nth(1)
    expect(notes).to_contain_text("Memory (RAM)")
    expect(notes).to_contain_text("Front camera above Main camera: never seen")
    expect(notes).to_contain_text("unlike any phone")


ROW = ",".join(f"{EXAMPLE[name]:g}" for name in FEATURES)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"ram,wifi\n1,1\n", "Columns are missing: int_memory"),
        (b"", "Columns are missing: ram"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Not a CSV in UTF-8"),
        (f"{','.join(FEATURES)}\n{ROW}\n".replace(",", ";").encode(), "Not a CSV in UTF-8 with commas"),
        (f"{','.join(FEATURES)}\n{ROW}\n".encode("utf-16"), "Not a CSV in UTF-8"),
        (f"{','.join(FEATURES)}\n".encode(), "no rows"),
    ],
)
def test_what_is_no_such_table_is_told_what_to_do(table_view: Page, content: bytes, told: str) -> None:
    send(table_view, "other.csv", content)
    expect(table_view.get_by_role("alert").first).to_contain_text(told)
    expect(table_view.locator("#table-message p")).to_have_count(1)
    expect(table_view.locator("#result")).to_be_empty()


def test_a_byte_order_mark_and_windows_lines_are_no_obstacle(table_view: Page) -> None:
    send(table_view, "excel.csv", b"\xef\xbb\xbf" + table_of(3).replace(b"\n", b"\r\n"))
    expect(table_view.locator("#result")).to_contain_text("excel.csv: 3 rows")
    assert bars(table_view)[-1] == "0"


def test_quotes_commas_and_lines_within_cells_stay_what_they_are(
    table_view: Page, service: httpx.Client
) -> None:
    row = ",".join(f"{EXAMPLE[name]:g}" for name in FEATURES)
    content = f'name,{",".join(FEATURES)}\r\n"a ""big"", one\nof 2",{row}\r\nplain,{row}\r\n'.encode()
    send(table_view, "quoted.CSV", content)
    rows = table_view.locator("#result tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first.locator("td").nth(5)).to_have_text('a "big", one\nof 2')
    name, saved = downloaded(table_view)
    assert name == "quoted-prices.csv"
    assert saved == service.post("/predict/batch", params=SCORED, content=content, headers=CSV).content


def test_the_example_table_is_scored(table_view: Page) -> None:
    table_view.get_by_role("button", name="Try with an example table").click()
    expect(table_view.locator("#result tbody tr")).to_have_count(4)
    assert bars(table_view)[-1] == "0"


def test_a_file_can_be_dropped(table_view: Page) -> None:
    content = table_of(5).decode()
    data = table_view.evaluate_handle(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
            return data;
        }""",
        content,
    )
    table_view.dispatch_event("#drop", "dragover", {"dataTransfer": data})
    expect(table_view.locator("#drop")).to_have_class("over")
    table_view.dispatch_event("#drop", "drop", {"dataTransfer": data})
    expect(table_view.locator("#result")).to_contain_text("dropped.csv: 5 rows")


def test_a_hundred_thousand_rows_are_scored_with_the_page_awake(table_view: Page) -> None:
    """A timer of the page goes on meanwhile."""
    table_view.evaluate("window.turns = 0; setInterval(() => window.turns++, 20); 0")
    send(table_view, "large.csv", table_of(100_000))
    expect(table_view.locator("#progress-text")).to_contain_text("of 100,000 rows", timeout=60_000)
    begun = table_view.evaluate("window.turns")
    expect(table_view.locator("#result")).to_contain_text("large.csv: 100,000 rows", timeout=60_000)
    assert table_view.evaluate("window.turns") > begun + 10
    assert bars(table_view)[2] == "100,000"


def test_a_table_that_is_too_long_is_told_where_to_go(table_view: Page) -> None:
    send(table_view, "huge.csv", table_of(100_001))
    expect(table_view.get_by_role("alert").first).to_contain_text("python -m service score", timeout=30_000)
    expect(table_view.locator("#sending")).to_be_hidden()


def test_it_can_be_cancelled(table_view: Page) -> None:
    held: list[Any] = []
    table_view.route("**/predict/batch*", lambda route: held.append(route))
    send(table_view, "some.csv", table_of(3))
    expect(table_view.get_by_role("progressbar")).to_be_visible()
    table_view.get_by_role("button", name="Cancel").click()
    expect(table_view.get_by_role("alert").first).to_have_text("Cancelled")
    expect(table_view.locator("#sending")).to_be_hidden()
    expect(table_view.locator("#result")).to_be_empty()
