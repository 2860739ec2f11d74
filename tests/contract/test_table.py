import bz2
import codecs
import gzip
import lzma
import pickle

import pytest

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES, Phone
from contract.table import decode, read_table

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


@pytest.mark.parametrize("rows", [1, 500])
def test_a_line_that_ends_in_a_carriage_return_alone_is_refused(rows: int) -> None:
    error = refusal(table(*[row()] * rows).replace(b"\n", b"\r"))
    assert [each.msg for each in error.violations] == [
        "Line 1 ends in a carriage return alone: end all lines with a line feed"
    ]


def test_a_rule_that_many_rows_break_is_told_once_with_their_number() -> None:
    error = refusal(table(*[row(ram=-1)] * 50, row(wifi="")))
    assert error.total == 51
    ram, wifi = (violation.msg for violation in error.violations)
    assert ram.startswith("Line 2, column ram: ")
    assert ram.endswith(" (and so in 49 more lines)")
    assert wifi.startswith("Line 52, column wifi: ")


def test_a_refusal_can_be_handed_from_process_to_process() -> None:
    error = refusal(table(*[row(ram=-1)] * 50))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    assert (str(again), again.violations, again.total) == (str(error), error.violations, 50)


def test_missing_columns_are_named_in_one_line() -> None:
    (violation,) = refusal(table("1,2", header="ram,wifi")).violations
    names = ", ".join(name for name in FEATURES if name not in ("ram", "wifi"))
    assert violation.msg.startswith(f"Line 1: no column {names} (18 are missing); the first line must name")


@pytest.mark.parametrize("written", ["RAM", "Ram", " rAm "])
def test_a_column_in_other_letters_is_pointed_at(written: str) -> None:
    (violation,) = refusal(table(row(), header=HEADER.replace("ram", written))).violations
    number = FEATURES.index("ram") + 1
    assert violation.loc == ("line", 1, "ram")
    assert violation.msg == f"Line 1: no column ram; column {number} is almost ram: rename it"


def test_all_columns_in_other_letters_are_told_in_one_line() -> None:
    header = HEADER.upper().replace("_", " ")
    (violation,) = refusal(table(row(), header=header)).violations
    assert violation.msg.count("is almost") == len(FEATURES)


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_named(separator: str, name: str) -> None:
    (violation,) = refusal(table(row()).replace(b",", separator.encode())).violations
    assert violation.msg == f"Line 1: the cells are separated by {name}; separate them by commas"


@pytest.mark.parametrize("commas", [",", "," * (len(FEATURES) - 1), " , " * (len(FEATURES) - 1)])
def test_rows_of_commas_are_told_once(commas: str) -> None:
    (violation,) = refusal(table(row(), *[commas] * 30)).violations
    assert violation.type == "empty_row"
    told = "Line 3: there are commas and no values: remove the line (and so in 29 more lines)"
    assert violation.msg == told


OTHER_FILES = {
    "gzip": (gzip.compress(table(row())), "packed with gzip"),
    "bzip2": (bz2.compress(table(row())), "packed with bzip2"),
    "xz": (lzma.compress(table(row())), "packed with xz"),
    "Parquet": (b"PAR1\x15\x04\x15", "Parquet"),
    "xlsx": (b"PK\x03\x04\x14\0", "an Excel workbook"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
    "Arrow": (b"ARROW1\0\0", "an Arrow file"),
    "UTF-16": (table(row()).decode().encode("utf-16"), "UTF-16 text"),
    "UTF-16, big end first": (codecs.BOM_UTF16_BE + table(row()).decode().encode("utf-16-be"), "UTF-16 text"),
    "UTF-16 without a mark": (table(row()).decode().encode("utf-16-le"), "UTF-16 text"),
}


@pytest.mark.parametrize(("content", "told"), OTHER_FILES.values(), ids=OTHER_FILES)
def test_a_file_of_another_kind_is_known_by_its_first_bytes(content: bytes, told: str) -> None:
    (violation,) = refusal(content).violations
    assert violation.type == "not_utf8"
    assert violation.msg.startswith(f"The table is {told}")
    assert "not CSV in UTF-8: " in violation.msg


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


def test_a_later_part_of_a_text_is_not_taken_for_another_kind_of_file() -> None:
    """A byte that is no UTF-8 is counted from the start of the whole text."""
    assert decode(b"PK\x03\x04 is text here", first_byte=100) == "PK\x03\x04 is text here"
    with pytest.raises(InvalidTableError, match="see byte 102"):
        decode(b"ab\xff", first_byte=100)
