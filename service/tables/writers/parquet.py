"""Parquet."""

import pyarrow as pa
from pyarrow import parquet

from service.media_type import PARQUET
from service.prediction import Predictions
from service.tables.rows import Rows
from service.tables.writers.columns import answer_columns, as_begun
from service.tables.writers.sink import Sink

ROW_GROUP = 32 * 1024
"""Rows that a reader of the table may skip or read at once."""


class ParquetWriter:
    """Parquet, in row groups that are large enough to be worth having."""

    media_type = PARQUET
    piece_rows = 16 * 1024

    def __init__(self, errors: bool, version: str) -> None:
        self._errors = errors
        self._version = version
        self._sink = Sink()
        self._writer: parquet.ParquetWriter | None = None
        self._schema: pa.Schema | None = None
        self._group: list[pa.RecordBatch] = []
        self._group_rows = 0

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        columns = answer_columns(rows, predictions, self._errors)
        if self._writer is None:
            self._schema = columns.schema.with_metadata({"model_version": self._version})
            texts = [field.name for field in columns.schema if pa.types.is_dictionary(field.type)]
            self._writer = parquet.ParquetWriter(
                self._sink,
                self._schema,
                use_dictionary=[*texts, "price_range", "warnings"],
                write_statistics=["price_range"],  # what a reader may skip row groups by
            )
        self._group.append(as_begun(columns, self._schema))
        self._group_rows += len(rows)
        if self._group_rows >= ROW_GROUP:
            self._write_group()
        return self._sink.taken()

    def finish(self) -> bytes:
        if self._writer is not None:
            self._write_group()
            self._writer.close()
        return self._sink.taken()

    def _write_group(self) -> None:
        if self._group and self._writer is not None:
            self._writer.write_table(pa.Table.from_batches(self._group, self._schema), ROW_GROUP * 2)
            self._group, self._group_rows = [], 0
