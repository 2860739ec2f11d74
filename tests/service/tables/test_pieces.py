"""However a table is cut on its way, its rows are the same."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES, Phone, to_specifications
from contract.violation import Violation
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET, TABLES
from service.tables.readers import Reader, open_reader
from service.tables.rows import Rows
from tests.tables import Row, body

PHONES: list[Row] = [{**EXAMPLE, "ram": ram} for ram in range(100, 140)]
EXPECTED = to_specifications(Phone(**phone) for phone in PHONES)


def reader(kind: str, keep: bool = False) -> Reader:
    return open_reader(kind, keep, io.BytesIO(), max_phones=1_000)


def read(opened: Reader, chunks: list[bytes]) -> Iterator[Rows]:
    for chunk in chunks:
        yield from opened.feed(chunk)
    yield from opened.finish()


def specifications(kind: str, chunks: list[bytes]) -> np.ndarray:
    return np.concatenate([rows.specifications for rows in read(reader(kind), chunks)])


def refused(kind: str, content: bytes) -> str:
    with pytest.raises(InvalidTableError) as caught:
        list(read(reader(kind), [content]))
    return caught.value.violations[0].type


@settings(derandomize=True, deadline=None, max_examples=60)
@given(kind=st.sampled_from(TABLES), cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_cuts_change_nothing(kind: str, cuts: list[int]) -> None:
    content = body(kind, PHONES)
    edges = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    chunks = [content[start:end] for start, end in pairwise(edges)]
    assert np.array_equal(specifications(kind, chunks), EXPECTED)


PHONE = json.dumps(EXAMPLE)
CUTS = [0, 1, 5, PHONE.index(",") + 1, PHONE.index(":") + 1, len(PHONE) - 1, len(PHONE)]
SCRAPS = st.sampled_from([PHONE[start:end] for start in CUTS for end in CUTS if start < end])
LINES = st.lists(st.sampled_from([PHONE, PHONE + PHONE]) | SCRAPS | st.sampled_from(["", " ", "\r", "[]"]))


def verdicts(content: str, keep: bool) -> list[object]:
    """Return each row's numbers, or what is wrong with it."""
    found: list[object] = []
    for rows in read(reader(NDJSON, keep), [content.encode()]):
        sound = iter(rows.specifications.tolist())
        found += [rows.broken[row] if row in rows.broken else next(sound) for row in range(len(rows))]
    return found


@settings(derandomize=True, deadline=None, max_examples=2_000)
@given(lines=LINES, keep=st.booleans())
def test_a_line_has_one_verdict_whatever_stands_after_it(lines: list[str], keep: bool) -> None:
    content = "".join(f"{line}\n" for line in lines)
    assert verdicts(content, keep) == verdicts(content + "{}\n", keep)[:-1]


@pytest.mark.parametrize("keep", [False, True])
def test_two_phones_on_a_line_are_refused_though_another_is_spread_over_two(keep: bool) -> None:
    half = PHONE.index(",") + 1
    found = verdicts(f"{PHONE}{PHONE}\n{PHONE[:half]}\n{PHONE[half:]}\n", keep)
    assert [isinstance(each[0], Violation) for each in found] == [True] * 3  # type: ignore[index]


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_may_come_byte_by_byte(kind: str) -> None:
    content = body(kind, PHONES[:2])
    chunks = [content[at : at + 1] for at in range(len(content))]
    assert np.array_equal(specifications(kind, chunks), EXPECTED[:2])


@pytest.mark.parametrize("note", ['"quoted ""twice"", with, commas"', '"two\nlines"', "é 中文", '""', ""])
def test_a_long_csv_is_cut_where_its_records_end(note: str) -> None:
    line = ",".join([note, *(str(EXAMPLE[name]) for name in FEATURES)])
    content = "\n".join([",".join(["note", *FEATURES]), *[line] * 9_000]).encode()
    pieces = list(read(reader(CSV), [content]))
    assert len(pieces) > 2
    assert sum(map(len, pieces)) == 9_000
    assert not any(rows.broken for rows in pieces)


def test_a_broken_cell_far_into_a_csv_is_named_by_its_line() -> None:
    line = ",".join(['"two\nlines"', *(str(EXAMPLE[name]) for name in FEATURES)])
    bad = line.replace("2048", "lots")
    content = "\n".join([",".join(["note", *FEATURES]), *[line] * 9_000, bad, ""]).encode()
    broken = [violations for rows in read(reader(CSV), [content]) for violations in rows.broken.values()]
    ((violation,),) = broken
    assert violation.loc == ("line", 1 + 2 * 9_001, "ram")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: "\n\n" + text.replace("\n", "\n\n"),
        lambda text: text.replace(",", " , "),
        lambda text: text.replace(",1,", ",1.0,"),
        lambda text: text.replace(",1,", ",+1,"),
        lambda text: text.replace(",1,", ',"1",'),
    ],
    ids=["byte order mark", "CRLF", "no last newline", "blank lines", "spaces", "decimals", "plus", "quotes"],
)
def test_what_programs_write_is_read(change: object) -> None:
    content = change(body(CSV, PHONES).decode()).encode()  # type: ignore[operator]
    assert np.array_equal(specifications(CSV, [content]), EXPECTED)


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        (CSV, b"", "no_header"),
        (CSV, b"ram,wifi\n1,1\n", "missing_column"),
        (CSV, b"\xff\xfe", "not_utf8"),
        (CSV, body(CSV, PHONES) + b'"' + b"x" * 2_000_000, "csv_invalid"),
        (NDJSON, b"x" * 2_000_000, "line_too_long"),
        (JSON, b"[]", "model_type"),
        (JSON, b'{"phones": []}', "too_short"),
        (JSON, b'{"phones": [], "more": 1}', "too_short"),
        (JSON, body(JSON, [EXAMPLE] * 1_001), "too_many_rows"),
        (ARROW, b"", "arrow_invalid"),
        (ARROW, b"\xff\xff\xff\xff\x10\0\0\0" + b"x" * 100, "arrow_invalid"),
        (ARROW, body(ARROW, PHONES)[:-200], "arrow_invalid"),
        (ARROW, b"\xff\xff\xff\xff\xff\xff\xff\x7f", "arrow_invalid"),
        (ARROW, body(ARROW, [{"ram": 1}]), "missing_column"),
        (ARROW, body(ARROW, [{**EXAMPLE, "ram": "1"}]), "column_type"),
        (ARROW, body(ARROW, [{**EXAMPLE, "ram": True}]), "column_type"),
        (PARQUET, b"", "parquet_invalid"),
        (PARQUET, b"PAR1" + b"x" * 100 + b"PAR1", "parquet_invalid"),
        (PARQUET, body(PARQUET, [{"ram": 1}]), "missing_column"),
    ],
)
def test_what_is_no_table_of_phones_is_refused(kind: str, content: bytes, told: str) -> None:
    assert refused(kind, content) == told


def test_two_phones_on_a_line_are_one_broken_line() -> None:
    phone = json.dumps(EXAMPLE).encode()
    (rows,) = read(reader(NDJSON), [phone + b"\n" + phone + phone + b"\n\n" + b"[1]\n"])
    assert len(rows) == 3
    assert list(rows.broken) == [1, 2]
    assert rows.broken[2][0].loc == ("line", 4)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_record_batches_of_any_size_and_kind_are_read(compression: str | None) -> None:
    table = pa.Table.from_pylist(PHONES).append_column("shop", pa.array(["a", "b"] * 20).dictionary_encode())
    sink = io.BytesIO()
    with pa.ipc.new_stream(
        sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)
    ) as stream:
        stream.write_table(table.slice(0, 0))
        stream.write_table(table, max_chunksize=7)
    pieces = list(read(reader(ARROW, keep=True), [sink.getvalue()]))
    shops = ["a", "b"] * 20
    assert np.array_equal(np.concatenate([rows.specifications for rows in pieces]), EXPECTED)
    assert [row["shop"] for rows in pieces if rows.kept for row in rows.kept.objects(frozenset())] == shops


def zeros(rows: int) -> pa.Table:
    return pa.table({name: pa.array(np.zeros(rows)) for name in FEATURES})


def packed_arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    return sink.getvalue()


def packed_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd", use_dictionary=False, row_group_size=len(table))
    return sink.getvalue()


def test_what_unpacks_to_more_than_may_be_held_is_refused_unread() -> None:
    """Twelve kilobytes of Arrow hold 320 MB of zeros."""
    bomb = zeros(2_000_000)
    before = pa.total_allocated_bytes()
    assert refused(ARROW, packed_arrow(bomb)) == "record_batch_too_large"
    assert refused(PARQUET, packed_parquet(bomb)) == "row_group_too_large"
    assert pa.total_allocated_bytes() == before
    words = pa.array(["phone"] * 3 + ["x" * 100_000_000]).dictionary_encode()
    assert refused(ARROW, packed_arrow(pa.table({"shop": words}))) == "record_batch_too_large"


def test_what_is_packed_and_may_be_held_is_read() -> None:
    table = pa.Table.from_pylist(PHONES * 2_000)
    for kind, content in ((ARROW, packed_arrow(table)), (PARQUET, packed_parquet(table))):
        assert np.array_equal(specifications(kind, [content]), np.tile(EXPECTED, (2_000, 1)))


def test_an_arrow_file_is_read_as_the_stream_within() -> None:
    table, sink = pa.Table.from_pylist(PHONES), io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    assert np.array_equal(specifications(ARROW, [sink.getvalue()]), EXPECTED)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (ARROW, body(ARROW, PHONES)),
        (ARROW, packed_arrow(pa.Table.from_pylist(PHONES))),
        (PARQUET, body(PARQUET, PHONES)),
    ],
    ids=["arrow", "packed arrow", "parquet"],
)
def test_damaged_bytes_are_refused_or_read_and_never_anything_else(kind: str, content: bytes) -> None:
    random = np.random.default_rng(7)
    for _ in range(300):
        damaged = bytearray(content)
        for at in random.integers(0, len(content), 3):
            damaged[at] = random.integers(0, 256)
        with suppress(InvalidTableError):
            list(read(reader(kind), [bytes(damaged)]))


@pytest.mark.parametrize("kind", [ARROW, PARQUET, CSV, NDJSON])
def test_broken_rows_far_into_a_table_are_told_by_their_own_numbers(kind: str) -> None:
    bad = set(range(0, 2_500, 7))
    phones: list[Row] = [{**EXAMPLE, "ram": -1 if row in bad else 2_048} for row in range(2_500)]
    first = {CSV: 2, NDJSON: 1}.get(kind, 0)
    told, before, sound = [], 0, 0
    for rows in read(reader(kind), [body(kind, phones)]):
        told += [violations[0].loc[1] for _, violations in sorted(rows.broken.items())]
        assert {before + row for row in rows.broken} == {
            row for row in bad if before <= row < before + len(rows)
        }
        before += len(rows)
        sound += len(rows.specifications)
    assert told == [row + first for row in sorted(bad)]
    assert (before, sound) == (2_500, 2_500 - len(bad))


def test_a_column_of_texts_by_number_is_refused_before_the_texts_are_written_out() -> None:
    codes, text = pa.array([0] * 16_384, pa.int8()), pa.array(["x" * 100_000], pa.large_string())
    column = pa.DictionaryArray.from_arrays(codes, text)
    content = packed_arrow(pa.table([column] * len(FEATURES), names=list(FEATURES)))
    usual = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counting)
    try:
        assert refused(ARROW, content) == "column_type"
    finally:
        pa.set_memory_pool(usual)
    assert counting.max_memory() < 2**27  # written out, each column is 1.6 GB


@pytest.mark.parametrize("kind", [CSV, NDJSON])
def test_a_text_of_more_columns_than_may_be_held_is_refused(kind: str) -> None:
    phones: list[Row] = [{**EXAMPLE, **{f"note {number}": 1 for number in range(1_000)}}]
    with pytest.raises(InvalidTableError) as caught:
        list(read(reader(kind, keep=True), [body(kind, phones)]))
    assert caught.value.violations[0].type == "too_many_columns"


def test_a_row_that_a_carriage_return_puts_into_the_headers_line_is_not_lost() -> None:
    """It was read as a part of the header's line, of which only the first record was kept."""
    assert refused(CSV, body(CSV, PHONES[:2]).replace(b"\n", b"\r", 1)) == "csv_invalid"


def test_a_header_may_come_after_blank_lines_and_have_quoted_line_ends() -> None:
    line = ",".join(["1", *(str(EXAMPLE[name]) for name in FEATURES)])
    header = ",".join(['"a\n""note"""', *FEATURES])
    bad = line.replace("2048", "lots")
    (rows,) = read(reader(CSV), [f"\n\r\n\n{header}\n{line}\n{bad}\n".encode()])
    assert len(rows.specifications) == 1
    assert [violation.loc for violation in rows.broken[1]] == [("line", 7, "ram")]
