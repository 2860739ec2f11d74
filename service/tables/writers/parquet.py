"""Parquet."""

import pyarrow as pa
from pyarrow import parquet

from service.media_type import PARQUET
from service.prediction import Predictions
from service.tables.rows import Rows
from service.tables.writers.columns import TableColumns
from service.tables.writers.refusal import naming_column
from service.tables.writers.sink import Sink

ROW_GROUP = 32 * 1024
"""Rows that a reader of the table may skip or read at once."""


class ParquetWriter:
    """Parquet, in row groups that are large enough to be worth having."""

    media_type = PARQUET
    piece_rows = 16 * 1024

    def __init__(self, errors: bool, version: str) -> None:
        self._columns = TableColumns(errors)
        self._version = version
        self._sink = Sink()
        self._writer: parquet.ParquetWriter | None = None
        self._group: list[pa.RecordBatch] = []
        self._group_rows = 0

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        self._group.append(self._columns.of(rows, predictions))
        self._group_rows += len(rows)
        if self._group_rows >= ROW_GROUP:
            self._write_group()
        return self._sink.taken()

    def finish(self) -> bytes:
        if self._group:
            self._write_group()
        if self._writer is not None:
            self._writer.close()
        return self._sink.taken()

    def _write_group(self) -> None:
        group, self._group, self._group_rows = self._group, [], 0
        with naming_column(lambda: pa.Table.from_batches(group), _write_alone):
            schema = group[0].schema.with_metadata({"model_version": self._version})
            if self._writer is None:
                self._writer = _opened(self._sink, schema)
            self._writer.write_table(pa.Table.from_batches(group, schema), ROW_GROUP * 2)


def _opened(sink: Sink, schema: pa.Schema) -> parquet.ParquetWriter:
    texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    return parquet.ParquetWriter(
        sink,
        schema,
        use_dictionary=[*texts, "price_range", "warnings"],
        write_statistics=["price_range"],  # what a reader may skip row groups by
    )


def _write_alone(table: pa.Table) -> None:
    with _opened(Sink(), table.schema) as writer:
        writer.write_table(table)
