"""Arrow's IPC stream and file."""

import pyarrow as pa

from service.media_type import ARROW
from service.prediction import Predictions
from service.tables.rows import Rows
from service.tables.writers.columns import answer_columns, as_begun
from service.tables.writers.sink import Sink


class ArrowWriter:
    """Arrow's IPC stream; or with `file` its file, which can be read in any order."""

    media_type = ARROW
    piece_rows = 16 * 1024

    def __init__(self, errors: bool, version: str, file: bool) -> None:
        self._errors = errors
        self._open = pa.ipc.new_file if file else pa.ipc.new_stream
        self._version = version
        self._sink = Sink()
        self._writer: pa.RecordBatchWriter | None = None
        self._schema: pa.Schema | None = None

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        columns = answer_columns(rows, predictions, self._errors)
        if self._writer is None:
            self._schema = columns.schema.with_metadata({"model_version": self._version})
            self._writer = self._open(self._sink, self._schema)
        self._writer.write_batch(as_begun(columns, self._schema))
        return self._sink.taken()

    def finish(self) -> bytes:
        if self._writer is not None:
            self._writer.close()
        return self._sink.taken()
