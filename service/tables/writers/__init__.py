"""Writers of answers, one per format."""

from service.media_type import ARROW, ARROW_FILE, CSV, NDJSON, PARQUET
from service.tables.writers.objects import JsonWriter, NdjsonWriter
from service.tables.writers.writer import Writer

__all__ = ["Writer", "open_writer"]


def open_writer(kind: str, version: str, errors: bool, keep: bool) -> Writer:
    """Return the writer of this media type.

    `errors` adds a column for what is wrong with a row; `keep` says that rows come with columns of their own.
    """
    # imported where it is asked for: pyarrow takes a sixth of a second and 40 MiB
    if kind == CSV:
        from service.tables.writers.csv import CsvWriter

        return CsvWriter(errors, keep)
    if kind in (ARROW, ARROW_FILE):
        from service.tables.writers.arrow import ArrowWriter

        return ArrowWriter(errors, version, file=kind == ARROW_FILE)
    if kind == PARQUET:
        from service.tables.writers.parquet import ParquetWriter

        return ParquetWriter(errors, version)
    return NdjsonWriter() if kind == NDJSON else JsonWriter(version)
