"""Arrow's IPC stream and file."""

from typing import TypeAlias

import pyarrow as pa

from service.media_type import ARROW
from service.prediction import Predictions
from service.tables.rows import Rows
from service.tables.writers.columns import ANSWER, TableColumns
from service.tables.writers.refusal import naming_column
from service.tables.writers.sink import Sink

_Writer: TypeAlias = pa.ipc.RecordBatchFileWriter | pa.ipc.RecordBatchStreamWriter


class ArrowWriter:
    """Arrow's IPC stream; or with `file` its file, which can be read in any order."""

    media_type = ARROW
    piece_rows = 16 * 1024

    def __init__(self, errors: bool, version: str, file: bool) -> None:
        self._columns = TableColumns(errors)
        self._file = file
        self._version = version
        self._sink = Sink()
        self._writer: _Writer | None = None

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        columns = self._columns.of(rows, predictions)
        with naming_column(lambda: pa.Table.from_batches([columns]), self._write_alone):
            if self._file:
                columns = _plain(columns)
            if self._writer is None:
                schema = columns.schema.with_metadata({"model_version": self._version})
                self._writer = self._opened(self._sink, schema)
            self._writer.write_batch(columns)
        return self._sink.taken()

    def finish(self) -> bytes:
        if self._writer is not None:
            self._writer.close()
        return self._sink.taken()

    def _opened(self, sink: Sink, schema: pa.Schema) -> _Writer:
        return pa.ipc.new_file(sink, schema) if self._file else pa.ipc.new_stream(sink, schema)

    def _write_alone(self, table: pa.Table) -> None:
        with self._opened(Sink(), table.schema) as writer:
            writer.write_table(table)


def _plain(columns: pa.RecordBatch) -> pa.RecordBatch:
    """Return kept columns without dictionaries: a file has one for all rows, a table one for some."""
    for index, field in enumerate(columns.schema):
        if pa.types.is_dictionary(field.type) and field.name not in ANSWER:
            column = columns.column(index).dictionary_decode()
            columns = columns.set_column(index, field.with_type(column.type), column)
    return columns
