"""However a file is cut into pieces, they give the rows and the errors of the whole."""

import io
import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE, FEATURES
from service.media_type import CSV, NDJSON, PARQUET
from service.scoring.pieces import LONGEST_BYTES, Piece, cut
from service.scoring.table_file import chunks_between
from service.tables.rows import Rows
from tests.tables import Row, body

CELLS = ",".join(str(EXAMPLE[name]) for name in FEATURES)
HEADER = ",".join(["note", *FEATURES])
RECORDS = [
    f"plain,{CELLS}",
    f'"two\nlines",{CELLS}',
    f'"a ""word"", and\n\n""more""",{CELLS}',
    f"é 中文,{CELLS}",
    f"decimal,{CELLS}".replace(",1,", ",1.0,"),
    f"bad,{CELLS}".replace("2048", "-1"),
    f"bad,{CELLS}".replace("2048", "lots"),
    "short,1",
    "",
]
LINES = [
    json.dumps(EXAMPLE),
    json.dumps({**EXAMPLE, "note": "é 中文"}),
    json.dumps({**EXAMPLE, "ram": -1}),
    json.dumps({"ram": 1}),
    "[1]",
    "  ",
    "",
]
OFTEN = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def rows_of(piece: Piece) -> Iterator[Rows]:
    with piece.path.open("rb") as file:
        reader = piece.reader(False, file)
        if piece.kind != PARQUET:
            for content in chunks_between(file, piece.start, piece.end):
                yield from reader.feed(content)
        yield from reader.finish()


def told(pieces: Iterable[Piece]) -> list[Any]:
    """Return each row's numbers, or the texts of its errors; only the text where the table is none."""
    found: list[Any] = []
    try:
        for piece in pieces:
            for rows in rows_of(piece):
                sound = iter(rows.specifications.tolist())
                found += [
                    [violation.msg for violation in rows.broken[row]] if row in rows.broken else next(sound)
                    for row in range(len(rows))
                ]
    except InvalidTableError as error:
        return [str(error)]
    return found


def whole(path: Path, kind: str) -> list[Any]:
    return told([Piece(path, kind, 0, end=path.stat().st_size)])


def check(path: Path, kind: str, size: int) -> int:
    """Hold the pieces against the whole; return how many there were."""
    pieces = list(cut(path, kind, 7, size=size, rows=size))
    assert told(pieces) == whole(path, kind)
    assert [piece.number for piece in pieces] == list(range(len(pieces)))
    assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert {piece.file for piece in pieces} == {7}
    assert (pieces[0].start, pieces[-1].end) == (0, path.stat().st_size)
    assert all(left.end == right.start for left, right in pairwise(pieces))
    return len(pieces)


@OFTEN
@given(
    records=st.lists(st.sampled_from(RECORDS), max_size=30),
    before=st.sampled_from(["", "\ufeff", "\n\r\n"]),
    header=st.sampled_from([HEADER, HEADER.replace("note", '"the\n""note"""')]),
    end=st.sampled_from(["\n", "\r\n"]),
    after=st.sampled_from(["", "\n", "\n\n\n", '\n"open']),
    size=st.integers(1, 3_000),
)
def test_csv(
    tmp_path: Path, records: list[str], before: str, header: str, end: str, after: str, size: int
) -> None:
    path = tmp_path / "phones.csv"
    path.write_bytes((before + "\n".join([header, *records]) + after).replace("\n", end).encode())
    check(path, CSV, size)


@OFTEN
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=30),
    end=st.sampled_from(["\n", "\r\n"]),
    after=st.sampled_from(["", "\n", "\n\n\n"]),
    size=st.integers(1, 3_000),
)
def test_ndjson(tmp_path: Path, lines: list[str], end: str, after: str, size: int) -> None:
    path = tmp_path / "phones.ndjson"
    path.write_bytes(("\n".join(lines) + after).replace("\n", end).encode())
    check(path, NDJSON, size)


@OFTEN
@given(
    bad=st.sets(st.integers(0, 59), max_size=8),
    count=st.integers(0, 60),
    group=st.integers(1, 25),
    size=st.integers(1, 50),
)
def test_parquet(tmp_path: Path, bad: set[int], count: int, group: int, size: int) -> None:
    path = tmp_path / "phones.parquet"
    phones: list[Row] = [{**EXAMPLE, "ram": -1 if row in bad else 300 + row} for row in range(60)]
    parquet.write_table(pa.Table.from_pylist(phones).slice(0, count), path, row_group_size=group)
    check(path, PARQUET, size)


@pytest.mark.parametrize(("kind", "ending"), [(CSV, "csv"), (NDJSON, "ndjson"), (PARQUET, "parquet")])
def test_a_table_is_cut_into_as_many_pieces_as_it_has_sizes(tmp_path: Path, kind: str, ending: str) -> None:
    path = tmp_path / f"phones.{ending}"
    content = body(kind, [EXAMPLE] * 1_000)
    if kind == PARQUET:
        sink = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist([EXAMPLE] * 1_000), sink, row_group_size=10)
        content = sink.getvalue()
    path.write_bytes(content)
    assert 9 <= check(path, kind, 100 if kind == PARQUET else len(content) // 10) <= 12
    assert list(cut(path, kind, 0, 5_000, 30)) == list(cut(path, kind, 0, 5_000, 30))


def test_what_no_reader_takes_is_left_in_one_piece_for_a_reader_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    good = body(CSV, [EXAMPLE] * 100)
    too_long = b'"' + b"x" * LONGEST_BYTES
    for content in (good + too_long + good * 3, b"ram,wifi\n1,1\n" * 100, good + b"\xff" * 5_000, b"", b"\n"):
        path.write_bytes(content)
        check(path, CSV, 1_000)
    path.write_bytes(b"no Parquet" * 100)
    assert check(path, PARQUET, 1_000) == 1
    path.unlink()
    (missing,) = cut(path, CSV, 0)
    assert missing.is_last


def test_a_line_that_is_too_long_is_refused_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "phones.ndjson"
    path.write_bytes(body(NDJSON, [EXAMPLE] * 100) + b"x" * (LONGEST_BYTES + 1) + b"\n[1]\n")
    assert whole(path, NDJSON) == ["Line 101 is longer than 1 MiB; end each phone with a line feed"]
    assert check(path, NDJSON, 1_000) > 10


def test_a_byte_that_is_no_text_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    good = body(CSV, [EXAMPLE] * 20_000)
    path.write_bytes(good + b"\xff\n")
    assert whole(path, CSV) == [f"The table is not UTF-8 text: see byte {len(good)}, and save it as UTF-8"]
    assert check(path, CSV, 100_000) > 5
