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

from service.tables.kept.nesting import list_bounds, run_places, union_places

Sizes: TypeAlias = int | NDArray[np.int64]
"""Of each value; one number where all are alike."""

FIXED_BYTES = 16
"""Of a number, a date and the like, and of the marks around a value: near enough."""

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
        return np.where(column.is_valid(), view_sizes(column), 0).astype(np.int64)
    if types.is_fixed_size_binary(kind):
        return FIXED_BYTES if types.is_decimal(kind) else int(kind.byte_width)
    if any(is_kind(kind) for is_kind in (types.is_string, types.is_large_string)):
        return _lengths(column)
    return _lengths(column) if types.is_binary(kind) or types.is_large_binary(kind) else FIXED_BYTES


def view_sizes(column: pa.Array) -> NDArray[np.int32]:
    """Return the size that each view of a text tells."""
    views = np.frombuffer(column.buffers()[1] or b"", _VIEW, len(column), column.offset * _VIEW.itemsize)
    sizes: NDArray[np.int32] = views["size"]
    return sizes


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
    return sizes if isinstance(sizes, int) else sizes[run_places(column)]


def _of_union(column: pa.UnionArray) -> Sizes:
    sizes = np.zeros(len(column), np.int64)
    for values, chosen, places in union_places(column):
        own = text_sizes(values)
        sizes[chosen] = own if isinstance(own, int) else own[places]
    return sizes


def _of_list(column: pa.Array) -> Sizes:
    """Return the sizes of lists of any kind, and of maps, which are lists of pairs."""
    within, starts, ends = list_bounds(column)
    sizes = text_sizes(within)
    lists: NDArray[np.int64]
    if isinstance(sizes, int):
        lists = (ends - starts) * sizes
    else:
        sums = np.append(0, sizes.cumsum())
        lists = sums[ends] - sums[starts]
    return lists + FIXED_BYTES
