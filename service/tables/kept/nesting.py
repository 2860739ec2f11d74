"""Where the values of columns lie that are made of other columns."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.table import refusal

MAX_RUN_VALUES = 16 * 2**20
"""Values that runs within a column may stand for, as each run may stand for billions."""


def run_places(column: pa.RunEndEncodedArray) -> NDArray[np.intp]:
    """Return for each value its place in `column.values`."""
    if len(column) > MAX_RUN_VALUES:
        limit = MAX_RUN_VALUES // 2**20
        raise refusal("table_expands", (), f"Runs stand for over {limit} Mi values; send plain columns")
    places = np.arange(column.offset, column.offset + len(column))
    return np.searchsorted(column.run_ends.to_numpy(), places, side="right")


def union_places(
    column: pa.UnionArray,
) -> Iterator[tuple[pa.Array, NDArray[np.intp], NDArray[np.integer]]]:
    """Give each of the columns that values come from, which values those are, and their places in it."""
    _, codes_buffer, *others = column.buffers()
    codes = np.frombuffer(codes_buffer or b"", np.int8, len(column), column.offset)
    places: NDArray[np.integer] = np.arange(len(column))
    if column.type.mode == "dense":
        places = np.frombuffer(others[0] or b"", np.int32, len(column), column.offset * 4)
    for index, code in enumerate(column.type.type_codes):
        chosen = np.flatnonzero(codes == code)
        yield column.field(index), chosen, places[chosen]


def list_bounds(column: pa.Array) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.int64]]:
    """Return the values of lists of any kind, and of maps, and where in them each list begins and ends."""
    if pa.types.is_fixed_size_list(column.type):
        count = column.type.list_size
        within = column.values.slice(column.offset * count, len(column) * count)
        starts = np.arange(len(column), dtype=np.int64) * count
        return within, starts, starts + count
    offsets = column.offsets.to_numpy().astype(np.int64)
    if hasattr(column, "sizes"):  # of views, which may overlap
        ends = offsets + column.sizes.to_numpy()
        return column.values, offsets, np.where(column.is_valid(), ends, offsets)
    first = offsets[0]
    within = column.values.slice(first, offsets[-1] - first)
    return within, offsets[:-1] - first, offsets[1:] - first
