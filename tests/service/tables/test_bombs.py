"""A small body that stands for much is refused before the much is made of it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from struct import pack

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.errors import InvalidTableError
from contract.phone import EXAMPLE
from service.media_type import ARROW, PARQUET
from service.tables.readers import open_reader
from service.tables.readers.arrow_messages import MOST_BYTES
from service.tables.rows import Rows

NOT_UTF8 = b"\xff" * 2**20


def phones(count: int, **own: pa.Array) -> pa.Table:
    specifications = {name: pa.array([value] * count) for name, value in EXAMPLE.items()}
    return pa.table({**specifications, **own})


def in_arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    return sink.getvalue()


def in_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read(kind: str, content: bytes, keep: bool) -> list[Rows]:
    reader = open_reader(kind, keep, io.BytesIO(), max_phones=10_000)
    return [*reader.feed(content), *reader.finish()]


def refused(kind: str, content: bytes, keep: bool) -> str:
    with pytest.raises(InvalidTableError) as caught:
        read(kind, content, keep)
    return caught.value.violations[0].type


POOLS: list[pa.MemoryPool] = []
"""Each lives as long as what was allocated in it."""


@contextmanager
def counted_memory() -> Iterator[pa.MemoryPool]:
    """Let pyarrow allocate in a pool that tells how much was in use at most."""
    usual = pa.default_memory_pool()
    POOLS.append(pa.proxy_memory_pool(usual))
    pa.set_memory_pool(POOLS[-1])
    try:
        yield POOLS[-1]
    finally:
        pa.set_memory_pool(usual)


def same_view(text: bytes, count: int) -> pa.Array:
    """Return a column of views that all show the same text."""
    view = pack("<i4sii", len(text), text[:4], 0, 0)
    return pa.Array.from_buffers(
        pa.string_view(), count, [None, pa.py_buffer(view * count), pa.py_buffer(text)]
    )


VIEWS = same_view(NOT_UTF8, 500)
"""Full validation says that they are not UTF-8, so what is refused for another reason was not looked at."""

EXPANDING = {
    "views": VIEWS,
    "views within lists": pa.ListArray.from_arrays([*range(501)], VIEWS),
    "views within views of lists": pa.ListViewArray.from_arrays([*range(500)], [1] * 500, VIEWS),
    "views within lists of a size": pa.FixedSizeListArray.from_arrays(VIEWS, 1),
    "views within structures": pa.StructArray.from_arrays([VIEWS], ["a"]),
    "views within maps": pa.MapArray.from_arrays([*range(501)], pa.array(range(500)), VIEWS),
    "a dictionary of views": pa.DictionaryArray.from_arrays(pa.array(range(500)), VIEWS),
    "runs of views": pa.Array.from_buffers(
        pa.run_end_encoded(pa.int32(), pa.string_view()),
        500,
        [None],
        children=[pa.array(range(1, 501), pa.int32()), VIEWS],
    ),
    "views in a union": pa.UnionArray.from_sparse(pa.array([0] * 500, pa.int8()), [VIEWS]),
}


@pytest.mark.parametrize("own", EXPANDING.values(), ids=EXPANDING)
def test_kept_texts_are_not_looked_at_where_they_come_to_too_much(own: pa.Array) -> None:
    content = in_arrow(phones(500, note=own))
    assert len(content) < 20_000
    assert refused(ARROW, content, keep=True) == "table_expands"


@pytest.mark.parametrize("own", EXPANDING.values(), ids=EXPANDING)
def test_columns_that_are_not_kept_are_not_looked_at(own: pa.Array) -> None:
    (rows,) = read(ARROW, in_arrow(phones(500, note=own)), keep=False)
    assert len(rows) == 500


def test_texts_in_place_of_numbers_are_not_looked_at_where_they_come_to_too_much() -> None:
    table = phones(500).drop_columns(["ram"]).append_column("ram", VIEWS)
    assert refused(ARROW, in_arrow(table), keep=False) == "table_expands"


def test_kept_texts_that_come_to_little_are_looked_at() -> None:
    assert refused(ARROW, in_arrow(phones(2, note=same_view(NOT_UTF8, 2))), keep=True) == "arrow_invalid"


def test_dictionaries_are_counted_as_they_are_when_unpacked() -> None:
    text = "x" * (MOST_BYTES // 4)
    coded = pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), [text])
    content = in_arrow(phones(1, **{f"c{number}": coded for number in range(5)}))
    assert len(content) < 20_000
    assert refused(ARROW, content, keep=False) == "dictionaries_too_large"


LISTS = {
    "numbers": pa.array([[0] * 2**21], pa.list_(pa.int64())),
    "nothing": pa.array([[None] * 2**21], pa.list_(pa.int64())),
    "empty texts": pa.array([[""] * 2**21], pa.list_(pa.string())),
    "empty lists": pa.array([[[]] * 2**21], pa.list_(pa.list_(pa.int8()))),
    "empty lists within structures": pa.array(
        [[{"a": []}] * 2**21], pa.list_(pa.struct([("a", pa.list_(pa.int8()))]))
    ),
}


@pytest.mark.parametrize("own", LISTS.values(), ids=LISTS)
def test_lists_of_runs_are_refused_before_they_are_read(own: pa.Array) -> None:
    content = in_parquet(phones(1, note=own))
    assert len(content) < 20_000
    with counted_memory() as memory:
        assert refused(PARQUET, content, keep=True) == "table_expands"
    assert memory.max_memory() < 2**20


def test_lists_in_place_of_numbers_are_refused_before_they_are_read() -> None:
    content = in_parquet(phones(1).drop_columns(["ram"]).append_column("ram", LISTS["numbers"]))
    with counted_memory() as memory:
        assert refused(PARQUET, content, keep=False) == "column_type"
    assert memory.max_memory() < 2**20


def test_lists_that_are_not_kept_are_not_read() -> None:
    content = in_parquet(phones(1, note=LISTS["empty lists"]))
    with counted_memory() as memory:
        (rows,) = read(PARQUET, content, keep=False)
    assert len(rows) == 1
    assert memory.max_memory() < 2**20


def test_lists_of_many_values_are_kept_where_the_file_has_bytes_for_them() -> None:
    numbers = np.random.default_rng(7).random(2**21, np.float32)
    note = pa.ListArray.from_arrays([0, *range(2**11, 2**21 + 1, 2**11)], pa.array(numbers))
    pieces = read(PARQUET, in_parquet(phones(2**10, note=note)), keep=True)
    assert sum(map(len, pieces)) == 2**10
