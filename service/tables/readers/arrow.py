"""Arrow's IPC stream, message by message; of a file of that format, the stream within."""

from collections.abc import Iterator

import pyarrow as pa

from service.tables.kept.columns import KeptColumns
from service.tables.plausible import checked
from service.tables.readers.arrow_header import RECORD_BATCH
from service.tables.readers.arrow_messages import Messages, not_arrow
from service.tables.readers.arrow_validation import validate
from service.tables.readers.columns import check_schema, matrix, only_features
from service.tables.readers.expansion import Expansion
from service.tables.rows import Rows

PIECE_ROWS = 16 * 1024
"""Rows that are checked at a time, where none needs a second look: two milliseconds."""


class ArrowReader:
    """Reads each record batch as soon as it has come."""

    def __init__(self, keep: bool) -> None:
        self._kept = Expansion() if keep else None
        self._messages = Messages()
        self._stream: pa.RecordBatchStreamReader | None = None
        self._rows_before = 0

    def feed(self, content: bytes) -> Iterator[Rows]:
        self._messages.add(content)
        if self._kept is not None:
            self._kept.received += len(content)
        while (kind := self._messages.next_whole()) is not None:
            if kind == RECORD_BATCH:
                columns = self._next_batch()
                yield from rows_of(columns, self._rows_before, self._kept)
                self._rows_before += columns.num_rows

    def finish(self) -> Iterator[Rows]:
        self._messages.check_ended()
        return iter(())

    def _next_batch(self) -> pa.RecordBatch:
        try:
            if self._stream is None:
                self._stream = pa.ipc.open_stream(self._messages)
                check_schema(self._stream.schema, keep=self._kept is not None)
            columns = self._stream.read_next_batch()
            columns = columns if self._kept is not None else only_features(columns)
            validate(columns)
        except (pa.ArrowException, OSError, ValueError, StopIteration) as error:
            raise not_arrow(str(error)) from None
        return columns


def rows_of(
    columns: pa.RecordBatch, rows_before: int, kept: Expansion | None, schema: pa.Schema | None = None
) -> Iterator[Rows]:
    """Give the rows of a record batch a piece at a time, with all columns, in that schema, if `kept`."""
    for start in range(0, columns.num_rows, PIECE_ROWS):
        piece = columns.slice(start, PIECE_ROWS)
        if kept is None:
            yield from checked(matrix(piece), rows_before + start)
            continue
        first = rows_before + start
        for part in kept.pieces(piece):
            own = part if schema is None else part.cast(schema)
            yield from checked(matrix(own), first, KeptColumns(own))
            first += own.num_rows
