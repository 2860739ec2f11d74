"""CSV has one grammar: whoever reads a table, wherever it is cut, its rows or its refusal are the same."""

from typing import Any

import pytest

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from service.tables.readers.csv import CsvReader
from service.tables.readers.quotes import end_of_records
from service.tables.rows import Rows

HEADER = ",".join(FEATURES)
LINE = ",".join(str(EXAMPLE[name]) for name in FEATURES)


def read(reader: CsvReader, chunks: list[bytes]) -> list[Any] | str:
    """Return the rows, each with what is kept of it or what is wrong with it, or else the refusal."""
    found: list[Any] = []
    try:
        for rows in [rows for chunk in chunks for rows in reader.feed(chunk)] + list(reader.finish()):
            assert rows.kept is not None
            sound = iter(rows.specifications.tolist())
            for row, note in enumerate(rows.kept.texts(rows.kept.names)[-1].to_pylist()):
                wrong = rows.broken.get(row)
                found.append([item.msg for item in wrong] if wrong else (next(sound), note))
    except InvalidTableError as error:
        return str(error.violations)
    return found


@pytest.mark.parametrize("rows_after", [0, 10, 1_000, 20_000])
def test_a_quote_that_stays_open_is_refused(rows_after: int) -> None:
    content = f'{HEADER},note\n{LINE},ok\n{LINE},"5 inch\n' + f"{LINE},ok\n" * rows_after
    refusal = read(CsvReader(keep=True), [content.encode()])
    assert "Line 3: the record that begins here" in refusal


@pytest.mark.parametrize("rows_after", [0, 10, 20_000])
def test_a_quote_within_a_cell_is_a_character_like_others(rows_after: int) -> None:
    content = f"{HEADER},note\n" + f"{LINE},ok\n" * 10 + f'{LINE},6.1" OLED\n' + f"{LINE},ok\n" * rows_after
    rows = read(CsvReader(keep=True), [content.encode()])
    assert len(rows) == 11 + rows_after
    assert rows[10][1] == '6.1" OLED'


@pytest.mark.parametrize("rows", [1, 2, 100, 5_000, 20_000])
@pytest.mark.parametrize("header_end", ["\n", "\r"])
@pytest.mark.parametrize("step", [10**9, 100_000])
def test_a_line_that_ends_in_a_carriage_return_alone_is_refused(
    rows: int, header_end: str, step: int
) -> None:
    content = (f"{HEADER}{header_end}" + f"{LINE}\r" * rows + LINE).encode()
    line = 1 if header_end == "\r" else 2
    with pytest.raises(InvalidTableError, match=f"Line {line} ends in a carriage return alone"):
        read_in_steps(content, step)


def test_a_carriage_return_in_quotes_is_a_character() -> None:
    content = f'{HEADER},note\n{LINE},"a\rb"\n{LINE.replace("2048", "lots")},ok\n'
    assert read(CsvReader(keep=True), [content.encode()])[0][1] == "a\rb"
    assert "Line 3" in read(CsvReader(keep=True), [content.encode()])[1][0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_line_ends_that_were_translated_twice_are_line_ends(end: str) -> None:
    rows = read_specifications(end.join([HEADER, LINE, LINE, LINE.replace("2048", "lots"), ""]))
    assert [violation.loc for violation in rows.broken[2]] == [("line", 4, "ram")]


@pytest.mark.parametrize("value", ["0x800", "0X800"])
def test_a_number_in_base_16_is_refused(value: str) -> None:
    content = f"{HEADER}\n{LINE}\n" + LINE.replace(str(EXAMPLE["ram"]), value) + "\n"
    rows = read_specifications(content)
    assert list(rows.broken) == [1]


def read_specifications(content: str) -> Rows:
    reader = CsvReader(keep=False)
    (rows,) = [*reader.feed(content.encode()), *reader.finish()]
    return rows


@pytest.mark.parametrize("beside", ["ok", "ok\n" + LINE.replace("1", "x") + ",broken"])
@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ('"ab"c', "expected after"),
        ('"a" ', "expected after"),
        ("x" * 131_073, "131,072 characters"),
        ('"' + "x," * 65_537 + '"', "131,072 characters"),
        ('"' + '""' * 131_073 + '"', "131,072 characters"),
        ("x" * 1_100_000, "longer than 1 MiB"),
    ],
    ids=["text after a quote", "blank after a quote", "long", "long in quotes", "long of quotes", "longest"],
)
def test_a_cell_is_refused_whatever_stands_beside_it(cell: str, reason: str, beside: str) -> None:
    content = f"{HEADER},note\n{LINE},{beside}\n{LINE},{cell}\n{LINE},{beside}\n"
    assert reason in read(CsvReader(keep=True), [content.encode()])


@pytest.mark.parametrize("cell", ["x" * 131_072, '"' + "x," * 65_536 + '"'])
def test_a_cell_of_128_ki_characters_is_read(cell: str) -> None:
    rows = read(CsvReader(keep=True), [f"{HEADER},note\n{LINE},{cell}\n".encode()])
    assert [row[1] for row in rows] == [cell.strip('"')]


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (b'a\nb"\nc', 5),
        (b'a,"\nb', 0),
        (b'"a""\n"\nb', 7),
        (b'x"\n"a\n"\n"open\n', 8),
        (b'x"y"\n"a\nb', 5),
        (b"", 0),
    ],
)
def test_records_end_outside_of_cells_in_quotes(content: bytes, end: int) -> None:
    assert end_of_records(content) == end


def without_line_ends(*lines: str) -> bytes:
    """Return the text as `curl -d @table.csv` sends it."""
    return "".join(lines).encode()


def read_in_steps(content: bytes, step: int) -> None:
    reader = CsvReader(keep=True)
    for start in range(0, len(content), step):
        list(reader.feed(content[start : start + step]))
    list(reader.finish())


QUOTED = ",".join(f'"{name}"' for name in FEATURES)


@pytest.mark.parametrize(
    "content",
    [
        without_line_ends(HEADER, LINE),
        without_line_ends(HEADER, *[LINE] * 5),
        without_line_ends(HEADER, *[LINE] * 100),
        without_line_ends(HEADER, *[LINE] * 3_000),
        without_line_ends(HEADER + ",note", *[LINE + ",ok"] * 5),
        without_line_ends("id," + HEADER, *["7," + LINE] * 5),
        without_line_ends(HEADER + ",price_range", *[LINE + ",2"] * 5),
        without_line_ends(QUOTED, *[LINE] * 5),
        "\ufeff".encode() + without_line_ends(HEADER, *[LINE] * 5),
    ],
)
@pytest.mark.parametrize("step", [10**9, 64 * 1024, 100])
def test_a_table_whose_line_ends_are_missing_is_told_how_to_send_it(content: bytes, step: int) -> None:
    with pytest.raises(InvalidTableError) as raised:
        read_in_steps(content, step)
    (violation,) = raised.value.violations
    assert "line ends are missing" in violation.msg
    assert "--data-binary" in violation.msg


@pytest.mark.parametrize("header", [HEADER, HEADER + ",note", "7," + HEADER, ",".join(FEATURES[1:]) + ",1,2"])
def test_names_alone_have_no_line_ends_to_miss(header: str) -> None:
    for content in (f"{header}\n", header):
        reader = CsvReader(keep=False)
        told = ""
        try:
            list(reader.feed(content.encode()))
            assert list(reader.finish()) == []
        except InvalidTableError as error:
            told = str(error)
        assert "line ends" not in told


def test_columns_that_are_named_by_numbers_are_columns() -> None:
    years = ",".join(map(str, range(1990, 2020)))
    reader = CsvReader(keep=False)
    rows = list(reader.feed(f"{HEADER},{years}\n{LINE},{years}\n".encode())) + list(reader.finish())
    assert sum(len(each.specifications) for each in rows) == 1
