"""Limits on what a row group of Parquet unpacks to, by what its directory says."""

from collections.abc import Sequence

from pyarrow import parquet

from contract.table import refusal

MOST_UNPACKED_BYTES = 256 * 2**20
"""Of a row group; pandas makes them of a million rows, which are 160 MB of phones."""

MAX_NESTED_VALUES = 2**20
"""Of a row group, within lists: one row may have them all, each takes up to 50 bytes, and they come as runs,
which are no part of what the directory says of bytes."""

BYTES_PER_NESTED_VALUE = 4
"""Of a file: for each so many there may be one more."""


def check_groups(metadata: parquet.FileMetaData) -> None:
    """Refuse what says itself that it would unpack to more than may be held."""
    for number in range(metadata.num_row_groups):
        if metadata.row_group(number).total_byte_size > MOST_UNPACKED_BYTES:
            limit = MOST_UNPACKED_BYTES // 2**20
            msg = f"Row group {number} unpacks to over {limit} MiB; write smaller row groups"
            raise refusal("row_group_too_large", (), msg)


def check_nested(table: parquet.ParquetFile, groups: Sequence[int], received: int) -> None:
    """Refuse row groups with more values within lists than the bytes received may stand for."""
    columns = [table.schema.column(index) for index in range(len(table.schema))]
    nested = {index: column.path for index, column in enumerate(columns) if column.max_repetition_level}
    limit = MAX_NESTED_VALUES + received // BYTES_PER_NESTED_VALUE
    for number in groups if nested else ():
        group = table.metadata.row_group(number)
        # an absolute number, as a negative one would make room for others
        values = {path: abs(group.column(index).num_values) for index, path in nested.items()}
        if sum(values.values()) > limit:
            path = max(values, key=values.__getitem__)
            name = next((each for each in table.schema_arrow.names if path.startswith(f"{each}.")), path)
            what = f"Row group {number} has over {limit} values within lists, most of them in column"
            msg = f"{what} {name[:100]}; write smaller row groups, or do not keep it"
            raise refusal("table_expands", (name,), msg)
