"""Every type of Arrow comes back in every kind of answer, or is refused by the name of its column."""

import io
import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.errors import InvalidTableError, TableFileError
from contract.phone import EXAMPLE
from service.media_type import ARROW, ARROW_FILE, CSV, JSON, NDJSON, PARQUET
from service.scoring.one_process import score
from service.settings import Settings
from service.tables.choices import OnError
from service.tables.readers import open_reader
from service.tables.scoring import TableScorer
from service.tables.writers import open_writer
from tests.running_service import ARTIFACTS
from tests.service.tables.test_kept import PREDICTOR
from tests.tables import rows

REFUSED = object()
"""Stands for a refusal that names the column."""


class Case(NamedTuple):
    """A column of three values, of which the second is null, and what becomes of the first."""

    column: pa.Array
    in_json: Any
    in_text: Any = None
    """Where it is not the text of what is in JSON."""


def of(kind: pa.DataType, value: Any, in_json: Any, in_text: Any = None) -> Case:
    return Case(pa.array([value, None, value], kind), in_json, in_text)


MOMENT = datetime(2024, 2, 29, 12, 30, 1)
NANO = 1_709_209_801_000_000_001

CASES: dict[str, Case] = {
    **{str(kind): of(kind, 7, 7) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16())},
    "uint32": of(pa.uint32(), 2**32 - 1, 2**32 - 1),
    "int64": of(pa.int64(), 2**53 + 1, 2**53 + 1),
    "uint64": of(pa.uint64(), 2**64 - 1, 2**64 - 1),
    "float16": of(pa.float16(), 1.5, 1.5),
    "float32": of(pa.float32(), 0.5, 0.5),
    "float64": of(pa.float64(), 0.1, 0.1),
    "infinite": of(pa.float64(), -math.inf, "-inf"),
    "bool": of(pa.bool_(), True, True, "true"),
    "null": of(pa.null(), None, None),
    **{str(kind): of(kind, "é,", "é,") for kind in (pa.string(), pa.large_string(), pa.string_view())},
    **{str(kind): of(kind, b"ab", "ab") for kind in (pa.binary(), pa.large_binary(), pa.binary_view())},
    "fixed_size_binary": of(pa.binary(2), b"ab", "ab"),
    **{
        f"{kind} that is no text": of(kind, b"\xff\xfe", REFUSED)
        for kind in (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2))
    },
    "date32": of(pa.date32(), date(2024, 2, 29), "2024-02-29"),
    "date64": of(pa.date64(), date(2024, 2, 29), "2024-02-29"),
    "time32[s]": of(pa.time32("s"), time(1, 2, 3), "01:02:03"),
    "time32[ms]": of(pa.time32("ms"), time(1, 2, 3, 4_000), "01:02:03.004"),
    "time64[us]": of(pa.time64("us"), time(1, 2, 3, 4), "01:02:03.000004"),
    "time64[ns]": of(pa.time64("ns"), time(1, 2, 3, 4), "01:02:03.000004000"),
    "timestamp[s]": of(pa.timestamp("s"), MOMENT, "2024-02-29T12:30:01"),
    "timestamp[ms]": of(pa.timestamp("ms"), MOMENT, "2024-02-29T12:30:01.000"),
    "timestamp[us]": of(pa.timestamp("us"), MOMENT, "2024-02-29T12:30:01.000000"),
    "timestamp[ns]": of(pa.timestamp("ns"), NANO, "2024-02-29T12:30:01.000000001"),
    "timestamp[s, Berlin]": of(
        pa.timestamp("s", "Europe/Berlin"), MOMENT.replace(tzinfo=UTC), "2024-02-29T12:30:01Z"
    ),
    "timestamp[ms, +07:30]": of(
        pa.timestamp("ms", "+07:30"), MOMENT.replace(tzinfo=UTC), "2024-02-29T12:30:01.000Z"
    ),
    "timestamp[us, nowhere]": of(
        pa.timestamp("us", "Nowhere/Land"), NANO // 1000, "2024-02-29T12:30:01.000000Z"
    ),
    "timestamp out of range": of(pa.timestamp("s"), 2**61, REFUSED),
    "duration[s]": of(pa.duration("s"), timedelta(days=1), "PT86400S"),
    "duration[ms]": of(pa.duration("ms"), timedelta(seconds=1.5), "PT1.5S"),
    "duration[us]": of(pa.duration("us"), timedelta(microseconds=-1), "-PT0.000001S"),
    "duration[ns]": of(pa.duration("ns"), 1, "PT0.000000001S"),
    "interval": of(pa.month_day_nano_interval(), (14, -3, 1_500_000_000), "P14M-3DT1.5S"),
    "decimal32": of(pa.decimal32(5, 2), Decimal("-1.50"), -1.5, "-1.50"),
    "decimal64": of(pa.decimal64(12, 2), Decimal("1.50"), 1.5, "1.50"),
    "decimal128": of(pa.decimal128(20, 10), Decimal("1E-8"), 1e-8, "0.0000000100"),
    "decimal256": of(pa.decimal256(60, 0), Decimal(10**50), 10**50, str(10**50)),
    "decimal128 of thousands": of(pa.decimal128(5, -3), Decimal("12E3"), 12_000, "12000"),
    "list": of(pa.list_(pa.int8()), [1, None], [1, None], "[1,null]"),
    "large_list": of(pa.large_list(pa.string()), ["a"], ["a"], '["a"]'),
    "fixed_size_list": of(pa.list_(pa.int8(), 2), [1, 2], [1, 2], "[1,2]"),
    "list_view": of(pa.list_view(pa.int8()), [1, 2], [1, 2], "[1,2]"),
    "large_list_view": of(pa.large_list_view(pa.int8()), [1, 2], [1, 2], "[1,2]"),
    "struct": of(
        pa.struct({"a": pa.timestamp("ms"), "b": pa.list_(pa.decimal128(3, 1))}),
        {"a": MOMENT, "b": [Decimal("1.5")]},
        {"a": "2024-02-29T12:30:01.000", "b": [1.5]},
        '{"a":"2024-02-29T12:30:01.000","b":[1.5]}',
    ),
    "struct without fields": of(pa.struct([]), {}, {}, "{}"),
    "struct with a field twice": Case(
        pa.StructArray.from_arrays([pa.array([1, 2, 3]), pa.array([1, 2, 3])], ["a", "a"]), REFUSED
    ),
    "map": of(
        pa.map_(pa.string(), pa.int8()), [("a", 1), ("a", 2)], [["a", 1], ["a", 2]], '[["a",1],["a",2]]'
    ),
    "dictionary": Case(pa.array(["a", None, "a"]).dictionary_encode(), "a"),
    "dictionary of numbers": Case(pa.array([7, None, 7]).dictionary_encode(), 7),
    "dictionary of dates": Case(
        pa.array([date(2024, 2, 29), None, date(2024, 2, 29)]).dictionary_encode(), "2024-02-29"
    ),
    "dictionary within a list": Case(
        pa.ListArray.from_arrays(
            pa.array([0, None, 1, 2], pa.int32()), pa.array(["a", "b"]).dictionary_encode()
        ),
        ["a"],
        '["a"]',
    ),
    "run_end_encoded": Case(pa.RunEndEncodedArray.from_arrays([1, 2, 3], pa.array([7, None, 7])), 7),
    "sparse union": Case(
        pa.UnionArray.from_sparse(
            pa.array([0, 1, 0], pa.int8()), [pa.array(["a", "b", "c"]), pa.array([1, None, 3])]
        ),
        "a",
        '"a"',
    ),
    "dense union": Case(
        pa.UnionArray.from_dense(
            pa.array([0, 1, 0], pa.int8()),
            pa.array([0, 0, 1], pa.int32()),
            [pa.array([MOMENT, MOMENT]), pa.array([None], pa.int8())],
        ),
        "2024-02-29T12:30:01.000000",
        '"2024-02-29T12:30:01.000000"',
    ),
    "uuid": Case(
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"\xff" * 16, None, b"a" * 16], pa.binary(16))),
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ),
    "bool8": Case(pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 1], pa.int8())), 1),
    "json": Case(pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":1}', None, "2"])), '{"a":1}'),
    "tensor": Case(
        pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int8(), [2]), pa.array([[1, 2], None, [1, 2]], pa.list_(pa.int8(), 2))
        ),
        [1, 2],
        "[1,2]",
    ),
    "nested deep": Case(
        pa.nulls(3, reduce(lambda kind, _: pa.list_(kind), range(45), pa.int8())),
        None,
    ),
}


DOCUMENT = Path(__file__).parents[3] / "docs" / "tables.md"


def cell(value: Any, in_json: bool) -> str:
    """Return what the document says of a value in an answer."""
    if value is REFUSED:
        return "422"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if in_json else str(value or "")
    return f"`{text}`" if text else "empty"


def stored_as(column: pa.Array) -> str:
    """Return what the document says of a type in Parquet."""
    stored = read_back(column)
    if stored is None:
        return "422"
    return "as sent" if stored.type == column.type else f"`{stored.type}`"


def documented() -> dict[str, list[str]]:
    """Return what the document says of each type: in JSON, in a cell of CSV, in Parquet."""
    lines = DOCUMENT.read_text().partition("| type |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [line.strip("| ").split(" | ") for line in lines]
    return {name.strip("`"): rest for name, *rest in cells}


def test_the_document_says_what_becomes_of_each_type() -> None:
    documents = documented()
    for name, cells in documents.items():
        case = CASES[name]
        in_text = cell(case.in_text or case.in_json, in_json=False)
        assert cells == [cell(case.in_json, in_json=True), in_text, stored_as(case.column)], name
    families = {case.column.type.id for case in CASES.values()}
    assert families == {CASES[name].column.type.id for name in documents}


def table(column: pa.Array) -> pa.Table:
    specifications = {name: pa.array([value] * len(column)) for name, value in EXAMPLE.items()}
    return pa.table({"note": column, **specifications})


def packed(kind: str, whole: pa.Table) -> bytes:
    sink = io.BytesIO()
    if kind == PARQUET:
        parquet.write_table(whole, sink, row_group_size=2)
    else:
        with pa.ipc.new_stream(sink, whole.schema) as stream:
            stream.write_table(whole, max_chunksize=2)
    return sink.getvalue()


def scored(kind: str, content: bytes, accept: str, on_error: OnError = OnError.FAIL) -> bytes:
    reader = open_reader(kind, True, io.BytesIO(), max_phones=1)
    writer = open_writer(accept, "v", errors=on_error is OnError.SKIP, keep=True)
    scorer = TableScorer(PREDICTOR, reader, writer, on_error, max_rows=None)
    return b"".join(scorer.score([content[:1000], content[1000:]]))


def kept(kind: str, content: bytes, accept: str) -> pa.ChunkedArray | list[Any]:
    """Return the column that has come back."""
    answer = scored(kind, content, accept)
    if accept == PARQUET:
        return parquet.read_table(io.BytesIO(answer)).column("note")
    if accept in (ARROW, ARROW_FILE):
        opened = pa.ipc.open_stream if accept == ARROW else pa.ipc.open_file
        return opened(answer).read_all().column("note")
    return [row["note"] for row in rows(accept, answer)]


def refused(kind: str, content: bytes, accept: str) -> bool:
    """Say whether it is refused by the name of the column; whatever else is raised is a fault."""
    with pytest.raises(InvalidTableError) as caught:
        scored(kind, content, accept)
    return caught.value.violations[0].loc == ("note",) and "note" in caught.value.violations[0].msg


def read_back(column: pa.Array) -> pa.ChunkedArray | None:
    """Return what Parquet itself makes of a column, nothing if it does not take it."""
    try:
        return parquet.read_table(io.BytesIO(packed(PARQUET, pa.table({"note": column})))).column("note")
    except (pa.ArrowException, OSError):
        return None


COMING = [(name, ARROW) for name in CASES] + [
    (name, PARQUET) for name, case in CASES.items() if read_back(case.column) is not None
]
"""The types with the kinds of table that have them."""


@pytest.mark.parametrize("accept", [JSON, NDJSON, CSV])
@pytest.mark.parametrize(("name", "kind"), COMING)
def test_every_type_is_told_in_text(name: str, kind: str, accept: str) -> None:
    case = CASES[name]
    content = packed(kind, table(case.column))
    if case.in_json is REFUSED:
        assert refused(kind, content, accept)
        return
    first = case.in_json
    nothing: Any = None
    if accept == CSV:
        nothing = ""
        first = case.in_text or ("" if first is None else str(first))
    if kind == PARQUET and name in ("time32[s]", "timestamp[s]", "timestamp[s, Berlin]"):
        first = (
            first[:8] + first[8:].replace("Z", "") + ".000" + ("Z" if "Berlin" in name else "")
        )  # milliseconds
    found = kept(kind, content, accept)
    assert found[0] == first
    assert found[1] == nothing or case.column[1].as_py() is not None
    assert len(found) == 3


@pytest.mark.parametrize("accept", [ARROW, ARROW_FILE, PARQUET])
@pytest.mark.parametrize(("name", "kind"), COMING)
def test_every_type_stays_what_it_is_in_columns(name: str, kind: str, accept: str) -> None:
    column = CASES[name].column
    stored = read_back(column)
    content = packed(kind, table(column))
    if accept == PARQUET and stored is None:
        assert refused(kind, content, accept)
        return
    found = kept(kind, content, accept)
    expected: Any = pa.chunked_array([column]) if PARQUET not in (kind, accept) else stored
    if accept == ARROW_FILE and pa.types.is_dictionary(column.type):
        expected = expected.cast(column.type.value_type)
    assert not isinstance(found, list)
    assert found.type == expected.type
    assert found.combine_chunks() == expected.combine_chunks()


@pytest.mark.parametrize("accept", [JSON, NDJSON, CSV, ARROW, PARQUET])
def test_no_type_is_a_fault_of_the_service(service: httpx.Client, accept: str) -> None:
    for name, case in CASES.items():
        headers = {"Content-Type": ARROW, "Accept": accept}
        for on_error in OnError:
            response = service.post(
                "/predict/batch",
                content=packed(ARROW, table(case.column)),
                headers=headers,
                params={"keep": "all", "on_error": on_error},
            )
            assert response.status_code in (200, 422), name
            if response.status_code == 422:
                assert response.json()["detail"][0]["loc"] == ["body", "note"], name


@pytest.mark.parametrize("accept", [JSON, NDJSON, CSV, ARROW, ARROW_FILE, PARQUET])
def test_dictionaries_of_different_batches_do_not_clash(accept: str) -> None:
    tables = [table(pa.array(words).dictionary_encode()) for words in (["a", "b"], ["c", "a"])]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, tables[0].schema) as stream:
        for each in tables:
            stream.write_table(each)
    found = kept(ARROW, sink.getvalue(), accept)
    assert (found if isinstance(found, list) else found.to_pylist()) == ["a", "b", "c", "a"]


@pytest.mark.parametrize("accept", [JSON, NDJSON, CSV, ARROW, ARROW_FILE, PARQUET])
def test_nothing_where_a_field_says_that_something_is_there_is_taken(accept: str) -> None:
    whole = table(pa.array(["a", None]))
    schema = whole.schema.set(0, pa.field("note", pa.string(), nullable=False))
    whole = pa.Table.from_arrays(whole.columns, schema=schema)
    found = kept(ARROW, packed(ARROW, whole), accept)
    assert (found if isinstance(found, list) else found.to_pylist()) == ["a", "" if accept == CSV else None]


@pytest.mark.parametrize("accept", [JSON, NDJSON, CSV, ARROW, PARQUET])
@pytest.mark.parametrize("kind", [ARROW, PARQUET])
@pytest.mark.parametrize("column", [pa.array([1]), pa.array([{"note": 1}])], ids=["column", "field"])
def test_a_name_that_is_no_utf8_is_refused_where_it_would_come_back(
    column: pa.Array, kind: str, accept: str
) -> None:
    whole = (
        table(column).rename_columns({"note": "own"}) if pa.types.is_struct(column.type) else table(column)
    )
    content = packed(kind, whole).replace(b"note", b"n\xffte")
    with pytest.raises(InvalidTableError) as caught:
        scored(kind, content, accept)
    assert caught.value.violations[0].type in ("name_not_utf8", "parquet_invalid")


@pytest.mark.parametrize("name", ["binary that is no text", "struct with a field twice"])
def test_score_refuses_a_type_in_a_line_that_names_the_column(tmp_path: Path, name: str) -> None:
    source, target = tmp_path / "in.arrows", tmp_path / "out.csv"
    source.write_bytes(packed(ARROW, table(CASES[name].column)))
    kinds = (".arrows", ".csv")
    settings = Settings(artifacts=ARTIFACTS)
    with pytest.raises(TableFileError, match="Column note"):
        score(settings, source, target, kinds=kinds, keep=True, on_error=OnError.FAIL, watch=lambda *_: None)
