"""Tables of phones in every kind of body, made without the project's own readers and writers."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from service.media_type import ARROW, CSV, JSON, NDJSON, PARQUET

Row = dict[str, Any]


def body(kind: str, rows: Sequence[Row]) -> bytes:
    """Return the rows as a body of this kind; the first row names the columns."""
    if kind == JSON:
        return json.dumps({"phones": rows}).encode()
    if kind == NDJSON:
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    if kind == CSV:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    sink = io.BytesIO()
    table = pa.Table.from_pylist(list(rows))
    if kind == PARQUET:
        parquet.write_table(table, sink)
    elif kind == ARROW:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()


def rows(kind: str, content: bytes) -> list[Row]:
    """Read an answer of this kind."""
    if kind == JSON:
        return list(json.loads(content)["predictions"])
    if kind == NDJSON:
        return [json.loads(line) for line in content.splitlines()]
    if kind == CSV:
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    if kind == ARROW:
        return list(pa.ipc.open_stream(content).read_all().to_pylist())
    return list(parquet.read_table(io.BytesIO(content)).to_pylist())


def probabilities(kind: str, answer: Row) -> list[float]:
    """Read the four out of a row of an answer."""
    if kind in (JSON, NDJSON):
        return list(answer["probabilities"])
    return [float(answer[f"probability_{name}"]) for name in ("low", "medium", "high", "very_high")]
