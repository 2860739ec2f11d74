"""How many bytes the values of a column take when they are written as text.

What came may be far smaller: a dictionary holds a text once, and views of it may be many.
"""

from functools import reduce
from operator import add
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract.table import refusal

Sizes: TypeAlias = int | NDArray[np.int64]
"""Of each value; one number where all are alike."""

FIXED_BYTES = 16
"""Of a number, a date and the like, and of the marks around a value: near enough."""

MAX_RUN_VALUES = 16 * 2**20
"""Values that runs within a column may stand for, as each run may stand for billions."""

_VIEW = np.dtype([("size", "<i4"), ("rest", "V12")])


def text_sizes(column: pa.Array) -> Sizes:
    """Return the size of each value, or one size that is near enough for all."""
    kind = column.type
    types = pa.types
    if isinstance(column, pa.ExtensionArray):
        return text_sizes(column.storage)
    if types.is_dictionary(kind):
        return _taken(text_sizes(column.dictionary), column.indices)
    if types.is_run_end_encoded(kind):
        return _of_runs(column)
    if types.is_struct(kind):
        fields = [column.field(index) for index in range(kind.num_fields)]
        names = sum(len(field.name) for field in kind)
        return reduce(add, map(text_sizes, fields), FIXED_BYTES + names)
    if types.is_union(kind):
        return _of_union(column)
    if types.is_nested(kind):
        return _of_list(column)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        views = np.frombuffer(column.buffers()[1] or b"", _VIEW, len(column), column.offset * _VIEW.itemsize)
        return np.where(column.is_valid(), views["size"], 0).astype(np.int64)
    if types.is_fixed_size_binary(kind):
        return FIXED_BYTES if types.is_decimal(kind) else int(kind.byte_width)
    if any(is_kind(kind) for is_kind in (types.is_string, types.is_large_string)):
        return _lengths(column)
    return _lengths(column) if types.is_binary(kind) or types.is_large_binary(kind) else FIXED_BYTES


def _lengths(text: pa.Array) -> Sizes:
    lengths: NDArray[Any] = pc.binary_length(text).fill_null(0).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)


def _taken(sizes: Sizes, indices: pa.Array) -> Sizes:
    if isinstance(sizes, int):
        return sizes
    nothing = len(sizes)  # the place of null
    places = indices.cast(pa.int64()).fill_null(nothing).to_numpy()
    taken: NDArray[np.int64] = np.append(sizes, 0)[places]
    return taken


def _of_runs(column: pa.RunEndEncodedArray) -> Sizes:
    sizes = text_sizes(column.values)
    if isinstance(sizes, int):
        return sizes
    if len(column) > MAX_RUN_VALUES:
        limit = MAX_RUN_VALUES // 2**20
        raise refusal("table_expands", (), f"Runs stand for over {limit} Mi values; send plain columns")
    places = np.arange(column.offset, column.offset + len(column))
    return sizes[np.searchsorted(column.run_ends.to_numpy(), places, side="right")]


def _of_union(column: pa.UnionArray) -> Sizes:
    _, codes_buffer, *others = column.buffers()
    codes = np.frombuffer(codes_buffer or b"", np.int8, len(column), column.offset)
    places = np.arange(len(column))
    if column.type.mode == "dense":
        places = np.frombuffer(others[0] or b"", np.int32, len(column), column.offset * 4)
    sizes = np.zeros(len(column), np.int64)
    for index, code in enumerate(column.type.type_codes):
        chosen = codes == code
        own = text_sizes(column.field(index))
        sizes[chosen] = own if isinstance(own, int) else own[places[chosen]]
    return sizes


def _of_list(column: pa.Array) -> Sizes:
    """Return the sizes of lists of any kind, and of maps, which are lists of pairs."""
    if pa.types.is_fixed_size_list(column.type):
        count = column.type.list_size
        within = column.values.slice(column.offset * count, len(column) * count)
        starts = np.arange(len(column), dtype=np.int64) * count
        ends = starts + count
    else:
        offsets = column.offsets.to_numpy().astype(np.int64)
        if hasattr(column, "sizes"):  # of views, which may overlap
            first, within = 0, column.values
            starts, ends = offsets, offsets + column.sizes.to_numpy()
            ends = np.where(column.is_valid(), ends, starts)
        else:
            first = offsets[0]
            within = column.values.slice(first, offsets[-1] - first)
            starts, ends = offsets[:-1] - first, offsets[1:] - first
    sizes = text_sizes(within)
    lists: NDArray[np.int64]
    if isinstance(sizes, int):
        lists = (ends - starts) * sizes
    else:
        sums = np.append(0, sizes.cumsum())
        lists = sums[ends] - sums[starts]
    return lists + FIXED_BYTES
