"""What a table may come to is bounded by what is held and written, whatever it was packed into."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from struct import pack

import httpx
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET
from service.tables.kept.names import free_names
from service.tables.readers import open_reader
from service.tables.readers.expansion import Expansion
from service.tables.readers.text_sizes import text_sizes
from tests.tables import Row, body, probabilities, rows

Columns = dict[str, pa.Array]

COLUMNAR = (ARROW, PARQUET)


def phones(count: int, own: Columns) -> pa.Table:
    specifications = {name: pa.array([value] * count) for name, value in EXAMPLE.items()}
    return pa.table({**own, **specifications})


def packed(kind: str, table: pa.Table) -> bytes:
    """Return the table as a body of this kind, as small as it gets."""
    sink = io.BytesIO()
    if kind == PARQUET:
        parquet.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def post(service: httpx.Client, kind: str, content: bytes, accept: str, keep: str = "all") -> httpx.Response:
    headers = {"Content-Type": kind, "Accept": accept}
    return service.post("/predict/batch", content=content, headers=headers, params={"keep": keep})


@pytest.mark.parametrize("keep", ["all", "none"])
@pytest.mark.parametrize("kind", [CSV, ARROW, PARQUET])
def test_more_columns_than_may_be_held_are_refused_in_every_kind(
    service: httpx.Client, kind: str, keep: str
) -> None:
    wide: Row = {**EXAMPLE, **{f"c{number}": 1 for number in range(1_001)}}
    answer = post(service, kind, body(kind, [wide]), NDJSON, keep)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "too_many_columns"


@pytest.mark.parametrize("kind", COLUMNAR)
def test_columns_within_a_column_count(service: httpx.Client, kind: str) -> None:
    inner = {f"c{number}": 1 for number in range(1_001)}
    answer = post(service, kind, packed(kind, phones(1, {"wide": pa.array([inner])})), NDJSON)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == "too_many_columns"


def test_names_are_found_that_stay_apart_from_those_taken_and_given() -> None:
    names = ["label", "label_given", "note", "label_given_given"]
    free = free_names(names, frozenset({"label"}))
    assert free == ["label_given_given_given", "label_given", "note", "label_given_given"]


@pytest.mark.parametrize("type_", [pa.decimal128(10, 2), pa.decimal256(40, 2)], ids=str)
def test_decimals_are_specifications(service: httpx.Client, type_: pa.DataType) -> None:
    alone = service.post("/predict", json=EXAMPLE).json()
    values = {name: pa.array([Decimal(str(value))], type_) for name, value in EXAMPLE.items()}
    answer = post(service, ARROW, packed(ARROW, pa.table(values)), JSON, "none")
    assert answer.status_code == 200, answer.text
    (row,) = rows(JSON, answer.content)
    assert probabilities(JSON, row) == pytest.approx(alone["probabilities"], abs=1e-6)


def same_view(text: str, count: int) -> pa.Array:
    """Return a column of views that all show the same text."""
    view = pack("<i4sii", len(text), text[:4].encode(), 0, 0)
    buffers = [None, pa.py_buffer(view * count), pa.py_buffer(text.encode())]
    return pa.Array.from_buffers(pa.string_view(), count, buffers)


TEXT = "x" * 2**20
EXPANDING: dict[str, Columns] = {
    "a dictionary": {"note": pa.DictionaryArray.from_arrays(pa.array([0] * 1_024, pa.int8()), [TEXT])},
    "views": {"note": same_view(TEXT, 1_024)},
    "runs": {"note": pa.RunEndEncodedArray.from_arrays([1_024], [TEXT])},
    "views of a list": {
        "note": pa.ListViewArray.from_arrays([0] * 1_024, [2**18] * 1_024, pa.array([1] * 2**18, pa.int8()))
    },
    "a dictionary within a structure": {
        "note": pa.StructArray.from_arrays(
            [pa.DictionaryArray.from_arrays(pa.array([0] * 1_024, pa.int8()), [TEXT])], ["a"]
        )
    },
}


@pytest.mark.parametrize("accept", [CSV, NDJSON, ARROW, PARQUET])
@pytest.mark.parametrize("own", EXPANDING.values(), ids=EXPANDING)
def test_columns_that_expand_when_they_are_written_are_refused(
    service: httpx.Client, own: Columns, accept: str
) -> None:
    content = packed(ARROW, phones(1_024, own))
    assert len(content) < 2 * 2**20
    answer = post(service, ARROW, content, accept)
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert (detail["type"], detail["loc"][-1]) == ("table_expands", "note")


COUNTED = pa.proxy_memory_pool(pa.default_memory_pool())
"""Lives as long as what was allocated in it."""


@contextmanager
def counted_memory() -> Iterator[None]:
    """Let pyarrow allocate in the pool that tells how much was in use at most."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(COUNTED)
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view(), pa.list_(pa.string())], ids=str)
def test_a_text_that_parquet_stores_once_is_held_once(kind: pa.DataType) -> None:
    text = "x" * 2**16
    values = [[text]] if pa.types.is_list(kind) else [text]
    content = packed(PARQUET, phones(2**12, {"note": pa.array(values * 2**12, kind)}))
    assert len(content) < 20_000
    opened = open_reader(PARQUET, True, io.BytesIO(), max_phones=1)
    list(opened.feed(content))
    with counted_memory(), pytest.raises(InvalidTableError) as caught:
        list(opened.finish())
    assert caught.value.violations[0].loc == ("note",)
    assert 0 < COUNTED.max_memory() < 64 * 2**20


@pytest.mark.parametrize("kind", COLUMNAR)
def test_a_text_that_comes_again_and_again_is_kept_where_it_stays_small(
    service: httpx.Client, kind: str
) -> None:
    text = "x" * 1_000
    note = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int8()), [text])
    answer = post(service, kind, packed(kind, phones(20_000, {"note": note})), CSV)
    assert answer.status_code == 200, answer.text
    assert {row["note"] for row in rows(CSV, answer.content)} == {text}


def test_kept_columns_are_written_in_pieces_of_a_bounded_size() -> None:
    text = pa.array(["x" * 2**20] * 20)
    pieces = list(Expansion().pieces(pa.RecordBatch.from_arrays([text], names=["note"])))
    assert [piece.num_rows for piece in pieces] == [7, 7, 6]
    assert pa.Table.from_batches(pieces).column("note").combine_chunks() == text


NESTED = [
    pa.array([["a", None, "ccc"], None, []], kind)
    for kind in (pa.list_(pa.string()), pa.list_view(pa.string()))
]
SIZED: list[tuple[pa.Array, list[int]]] = [
    (pa.array(["a", None, "ccc"], pa.string_view()), [1, 0, 3]),
    (pa.array(["a", None, "ccc"]).dictionary_encode(), [1, 0, 3]),
    (pa.array([{"a": "x"}, None, {"a": "yyy"}]), [18, 17, 20]),
    *((column, [20, 16, 16]) for column in NESTED),
    (pa.array([["a", "b"], None, ["c", None]], pa.list_(pa.string(), 2)), [18, 16, 17]),
    (pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.string())), [42, 16, 16]),
    (pa.RunEndEncodedArray.from_arrays([2, 3], ["xx", "y"]), [2, 2, 1]),
    (
        pa.UnionArray.from_sparse(
            pa.array([0, 1, 0], pa.int8()), [pa.array(["a", "b", "c"]), pa.array([1, 2, 3])]
        ),
        [1, 16, 1],
    ),
    (
        pa.UnionArray.from_dense(
            pa.array([0, 1, 0], pa.int8()),
            pa.array([0, 0, 1], pa.int32()),
            [pa.array(["a", "cc"]), pa.array([2])],
        ),
        [1, 16, 2],
    ),
]


@pytest.mark.parametrize(("column", "sizes"), SIZED, ids=[str(column.type) for column, _ in SIZED])
def test_the_size_of_a_value_is_that_of_its_text_in_every_part_of_a_column(
    column: pa.Array, sizes: list[int]
) -> None:
    for start in range(3):
        assert list(np.broadcast_to(text_sizes(column.slice(start)), 3 - start)) == sizes[start:]
