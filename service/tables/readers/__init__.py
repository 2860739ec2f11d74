"""Readers of tables, one per format; what is not plainly valid is judged by `Phone`, which words errors."""

from typing import BinaryIO

from service.media_type import ARROW, ARROW_FILE, CSV, NDJSON, PARQUET
from service.tables.readers.reader import Reader

__all__ = ["Reader", "open_reader"]


def open_reader(kind: str, keep: bool, file: BinaryIO, max_phones: int) -> Reader:
    """Return the reader of this media type; with `keep` the rows come with all columns of the table.

    `file` is where the bytes of Parquet are put, or are; `max_phones` limits what JSON holds.
    """
    # imported where it is asked for: pyarrow takes a sixth of a second and 40 MiB
    if kind == CSV:
        from service.tables.readers.csv import CsvReader

        return CsvReader(keep)
    if kind == NDJSON:
        from service.tables.readers.ndjson import NdjsonReader

        return NdjsonReader(keep)
    if kind in (ARROW, ARROW_FILE):
        from service.tables.readers.arrow import ArrowReader

        return ArrowReader(keep)
    if kind == PARQUET:
        from service.tables.readers.parquet import ParquetReader

        return ParquetReader(keep, file)
    from service.tables.readers.json import JsonReader

    return JsonReader(max_phones)
