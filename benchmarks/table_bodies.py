"""Tables of made-up phones, in the kinds of body that the service takes."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from contract.phone import FEATURES
from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET
from training.made_up import PUBLISHED_RANGES, make_up_phones

ROW_GROUP = 128 * 1024


def phones(rows: int) -> pd.DataFrame:
    """Make up phones, the same each time."""
    return make_up_phones(rows, PUBLISHED_RANGES, seed=1)[list(FEATURES)]


def body(kind: str, table: pd.DataFrame) -> bytes:
    """Return the table as a body of this kind; Arrow and Parquet have float32 columns."""
    if kind == JSON:
        return json.dumps({"phones": table.to_dict("records")}).encode()
    if kind == NDJSON:
        return str(table.to_json(orient="records", lines=True)).encode()
    if kind == CSV:
        return table.to_csv(index=False).encode()
    sink = BytesIO()
    if kind == PARQUET:
        parquet.write_table(_float32(table), sink)
    elif kind == ARROW:
        with pa.ipc.new_stream(sink, _float32(table).schema) as stream:
            stream.write_table(_float32(table), max_chunksize=64 * 1024)
    return sink.getvalue()


def long_csv(rows: int) -> Iterator[bytes]:
    """Give a CSV of many rows, in pieces."""
    table = phones(min(rows, 50_000))
    yield table.head(0).to_csv(index=False).encode()
    piece = table.to_csv(index=False, header=False).encode()
    for _ in range(rows // len(table)):
        yield piece


def write_parquet(path: Path, rows: int) -> None:
    """Write a Parquet file of many rows, a row group at a time."""
    group = _float32(phones(ROW_GROUP))
    with parquet.ParquetWriter(path, group.schema) as writer:
        for start in range(0, rows, ROW_GROUP):
            writer.write_table(group.slice(0, min(ROW_GROUP, rows - start)))


def _float32(table: pd.DataFrame) -> pa.Table:
    return pa.table({name: pa.array(table[name].to_numpy(np.float32)) for name in FEATURES})
