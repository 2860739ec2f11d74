"""Parquet: its directory stands at its end, so nothing is read before all bytes have come."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet

from contract.errors import InvalidTableError
from contract.phone import FEATURES
from contract.table import refusal
from service.tables.readers.arrow import PIECE_ROWS, rows_of
from service.tables.readers.columns import check_schema, check_width
from service.tables.rows import Rows

MOST_UNPACKED_BYTES = 256 * 2**20
"""Of a row group; pandas makes them of a million rows, which are 160 MB of phones."""


class ParquetReader:
    """Reads `file`, to which what is fed is written first; all of it, or the `row_groups` after some rows."""

    def __init__(
        self, keep: bool, file: BinaryIO, row_groups: Sequence[int] | None = None, rows_before: int = 0
    ) -> None:
        self._keep = keep
        self._file = file
        self._row_groups = row_groups
        self._rows_before = rows_before

    def feed(self, content: bytes) -> Iterator[Rows]:
        self._file.write(content)
        return iter(())

    def finish(self) -> Iterator[Rows]:
        for columns in self._batches():
            yield from rows_of(columns, self._rows_before, self._keep)
            self._rows_before += columns.num_rows

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            with parquet.ParquetFile(self._file, pre_buffer=False) as table:
                check_width(table.metadata.num_columns)
                check_schema(table.schema_arrow)
                _check_sizes(table.metadata)
                present = [name for name in FEATURES if name in table.schema_arrow.names]
                columns = None if self._keep else present
                yield from table.iter_batches(PIECE_ROWS, self._row_groups, columns, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _not_parquet(error) from None


def _check_sizes(metadata: parquet.FileMetaData) -> None:
    """Refuse what says itself that it would unpack to more than may be held."""
    for number in range(metadata.num_row_groups):
        if metadata.row_group(number).total_byte_size > MOST_UNPACKED_BYTES:
            limit = MOST_UNPACKED_BYTES // 2**20
            msg = f"Row group {number} unpacks to over {limit} MiB; write smaller row groups"
            raise refusal("row_group_too_large", (), msg)


def _not_parquet(error: Exception) -> InvalidTableError:
    return refusal("parquet_invalid", (), f"The table is not Parquet: {str(error).splitlines()[0]}")
