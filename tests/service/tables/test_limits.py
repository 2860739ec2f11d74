"""What a table may come to is bounded by what is held and written, whatever it was packed into."""

import io
from decimal import Decimal

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract.phone import EXAMPLE
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET
from service.tables.writers.kept import renamed
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
    columns = pa.RecordBatch.from_arrays([pa.array([1])] * len(names), names=names)
    free = renamed(columns, frozenset({"label"})).schema.names
    assert free == ["label_given_given_given", "label_given", "note", "label_given_given"]


@pytest.mark.parametrize("type_", [pa.decimal128(10, 2), pa.decimal256(40, 2)], ids=str)
def test_decimals_are_specifications(service: httpx.Client, type_: pa.DataType) -> None:
    alone = service.post("/predict", json=EXAMPLE).json()
    values = {name: pa.array([Decimal(str(value))], type_) for name, value in EXAMPLE.items()}
    answer = post(service, ARROW, packed(ARROW, pa.table(values)), JSON, "none")
    assert answer.status_code == 200, answer.text
    (row,) = rows(JSON, answer.content)
    assert probabilities(JSON, row) == pytest.approx(alone["probabilities"], abs=1e-6)
