import pickle

import pytest

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES, Phone
from contract.table import REPORTED_VIOLATIONS, read_table

HEADER = ",".join(FEATURES)


def row(**cells: object) -> str:
    return ",".join(str({**EXAMPLE, **cells}[name]) for name in FEATURES)


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def refusal(content: bytes) -> InvalidTableError:
    with pytest.raises(InvalidTableError) as caught:
        read_table(content, Phone)
    return caught.value


def test_rows_come_in_their_order() -> None:
    rows = read_table(table(row(), row(ram=300)), Phone)
    assert [phone.ram for phone in rows] == [EXAMPLE["ram"], 300]


def test_columns_are_found_by_name_and_others_ignored() -> None:
    header = "id," + ",".join(reversed(FEATURES))
    cells = "17," + ",".join(str(EXAMPLE[name]) for name in reversed(FEATURES))
    (phone,) = read_table(table(cells, header=header), Phone)
    assert phone == Phone(**EXAMPLE)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + table(row()),
        table(row()).replace(b"\n", b"\r\n"),
        table(row()).rstrip(b"\n"),
        table(row(), "", ""),
        table(",".join(f'"{cell}"' for cell in row().split(","))),
        table(row().replace(",", " , "), header=HEADER.replace(",", " , ")),
        table(row(ram="2048.0", battery_power="1.45e3")),
    ],
    ids=["byte order mark", "CRLF", "no last newline", "blank lines", "quotes", "spaces", "as pandas writes"],
)
def test_what_spreadsheets_and_pandas_write_is_read(content: bytes) -> None:
    assert read_table(content, Phone) == [Phone(**EXAMPLE)]


@pytest.mark.parametrize(
    "cell", ["", " ", "lots", "1_000", "٣", "nan", "inf", "1e999", "true", "2048.5", "0x10", "\0"]
)
def test_a_bad_cell_is_named_by_line_and_column(cell: str) -> None:
    (violation,) = refusal(table(row(), row(ram=cell))).violations
    assert violation.loc == ("line", 3, "ram")
    assert violation.msg.startswith("Line 3, column ram: ")
    assert "whole number from 1 to 65536 (MB)" in violation.msg


def test_an_empty_cell_is_called_empty() -> None:
    (violation,) = refusal(table(row(wifi=""))).violations
    assert "The cell is empty" in violation.msg


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    header = f"note,{HEADER}"
    (violation,) = refusal(table(f'"two\nlines",{row()}', f"one,{row(ram=-1)}", header=header)).violations
    assert violation.loc == ("line", 4, "ram")


def test_many_bad_rows_are_counted_and_the_first_are_told() -> None:
    error = refusal(table(*[row(ram=-1)] * 50))
    assert error.total == 50
    assert len(error.violations) == REPORTED_VIOLATIONS


def test_a_refusal_can_be_handed_from_process_to_process() -> None:
    error = refusal(table(*[row(ram=-1)] * 50))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    assert (str(again), again.violations, again.total) == (str(error), error.violations, 50)


def test_missing_columns_are_named() -> None:
    without = table("1,2", header="ram,wifi")
    assert {violation.loc[-1] for violation in refusal(without).violations} == set(FEATURES) - {"ram", "wifi"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "no_header"),
        (b"\n\n", "no_header"),
        (table(), "no_rows"),
        (table(row() + ",1"), "cell_count"),
        (table("1,2,3"), "cell_count"),
        (table(row() + ",1", header=HEADER + ",ram"), "repeated_column"),
        (table(row()).replace(b"2048", b"\xff"), "not_utf8"),
        (table(row(ram='"2048" MB')), "csv_invalid"),
        (table(row(ram='"2048')), "csv_invalid"),
        (table(row(ram="9" * 200_000)), "csv_invalid"),
    ],
)
def test_a_table_that_is_not_a_csv_of_phones_is_refused(content: bytes, kind: str) -> None:
    assert [violation.type for violation in refusal(content).violations] == [kind]
