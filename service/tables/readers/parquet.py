"""Parquet: its directory stands at its end, so nothing is read before all bytes have come."""

from collections.abc import Iterator, Sequence
from os import SEEK_END
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from contract.errors import InvalidTableError
from contract.phone import FEATURES
from contract.table import refusal
from service.tables.readers.arrow import PIECE_ROWS, rows_of
from service.tables.readers.columns import check_features, check_schema
from service.tables.readers.expansion import Expansion
from service.tables.readers.parquet_sizes import check_groups, check_nested
from service.tables.rows import Rows
from service.tables.width import check_width

MAX_TEXT_BYTES = 4 * 1024
"""Of a row that is read as it is, though each of its texts may be stored once and stand in every row."""

FEW_ROWS = 16
"""Rows that are read at a time where a text that is stored once is held as often as it stands."""


class ParquetReader:
    """Reads `file`, to which what is fed is written first; all of it, or the `row_groups` after some rows."""

    def __init__(
        self, keep: bool, file: BinaryIO, row_groups: Sequence[int] | None = None, rows_before: int = 0
    ) -> None:
        self._kept = Expansion() if keep else None
        self._file = file
        self._row_groups = row_groups
        self._rows_before = rows_before

    def feed(self, content: bytes) -> Iterator[Rows]:
        self._file.write(content)
        return iter(())

    def finish(self) -> Iterator[Rows]:
        try:
            with parquet.ParquetFile(self._file, pre_buffer=False) as table:
                _check_columns(table, keep=self._kept is not None)
                check_groups(table.metadata)
                yield from self._phones(table) if self._kept is None else self._all(table, self._kept)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _not_parquet(error) from None

    def _phones(self, table: parquet.ParquetFile) -> Iterator[Rows]:
        columns = [name for name in FEATURES if name in table.schema_arrow.names]
        for batch in table.iter_batches(PIECE_ROWS, self._row_groups, columns, use_threads=False):
            yield from rows_of(batch, self._rows_before, None)
            self._rows_before += batch.num_rows

    def _all(self, table: parquet.ParquetFile, kept: Expansion) -> Iterator[Rows]:
        """Give the rows with all columns; a long text that is stored once is held once until written."""
        kept.received = self._file.seek(0, SEEK_END)
        texts, plain = _texts(table.schema), _without_views(table.schema_arrow)
        groups = list(self._row_groups or range(table.num_row_groups))
        check_nested(table, groups, kept.received)
        with self._stored(table, texts) as stored:
            source = stored if any(_has_long_texts(stored, group, texts) for group in groups) else table
            size = FEW_ROWS if any(map(_is_extended_text, source.schema_arrow.types)) else PIECE_ROWS
            # what is nested and has dictionaries cannot be joined to that of another row group
            nested = any(map(pa.types.is_nested, source.schema_arrow.types))
            for some in [[group] for group in groups] if nested else [groups]:
                for batch in source.iter_batches(size, some, use_threads=False):
                    yield from rows_of(batch, self._rows_before, kept, plain if source is stored else None)
                    self._rows_before += batch.num_rows

    def _stored(self, table: parquet.ParquetFile, texts: list[str]) -> parquet.ParquetFile:
        """Return the table with its texts as dictionaries, which takes longer where each is another."""
        return parquet.ParquetFile(
            self._file, metadata=table.metadata, read_dictionary=texts, pre_buffer=False
        )


def _has_long_texts(stored: parquet.ParquetFile, group: int, texts: list[str]) -> bool:
    """Return whether texts that are stored once might come to much in a piece of a row group.

    Its first row comes with the dictionaries of all its rows.
    """
    names = stored.schema_arrow.names
    if not all(path in names for path in texts):  # some are within columns
        return True
    longest = 0
    for batch in stored.iter_batches(1, [group], texts, use_threads=False):
        for column in batch.columns:
            if isinstance(column, pa.ExtensionArray):  # comes as it is
                continue
            longest += pc.max(pc.binary_length(column.dictionary)).as_py() or 0
        break
    return longest > MAX_TEXT_BYTES


def _is_extended_text(kind: pa.DataType) -> bool:
    """Say whether it is a type of text, such as JSON, that pyarrow does not read as a dictionary."""
    return isinstance(kind, pa.BaseExtensionType) and not pa.types.is_fixed_size_binary(kind.storage_type)


def _check_columns(table: parquet.ParquetFile, keep: bool) -> None:
    check_width(table.metadata.num_columns)
    check_schema(table.schema_arrow, keep)
    check_features(table.schema_arrow)


def _texts(schema: parquet.ParquetSchema) -> list[str]:
    """Return the paths of the columns of texts, at whatever depth."""
    columns = [schema.column(index) for index in range(len(schema))]
    return [
        column.path
        for column in columns
        if column.physical_type == "BYTE_ARRAY" and column.logical_type.type != "DECIMAL"
    ]


def _without_views(schema: pa.Schema) -> pa.Schema:
    """Return the schema with types into which a dictionary can be cast."""
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    for index, field in enumerate(schema):
        schema = schema.set(index, field.with_type(plain.get(field.type, field.type)))
    return schema


def _not_parquet(error: Exception) -> InvalidTableError:
    return refusal("parquet_invalid", (), f"The table is not Parquet: {str(error).splitlines()[0]}")
