"""The table's own columns among those of the answer."""

from collections import Counter
from typing import TYPE_CHECKING

from contract.table import refusal

if TYPE_CHECKING:  # JSON keeps columns, too, and nobody who asks for JSON waits for pyarrow
    import pyarrow as pa


def renamed(columns: "pa.RecordBatch", taken: frozenset[str]) -> "pa.RecordBatch":
    """Return kept columns under names that the answer has not taken; each stays apart from the others.

    A labelled table has `price_range`, which the answer has, too; one scored before has all of its columns.
    """
    given = Counter(columns.schema.names)
    if len(given) < columns.num_columns:
        twice = next(name for name, count in given.items() if count > 1)
        raise refusal("repeated_column", (twice,), f"Column {twice} is there twice; rename one to keep both")
    apart = set(taken)
    names: list[str] = []
    for name in given:
        free = name
        while free in apart or (free != name and free in given):
            free += "_given"
        apart.add(free)
        names.append(free)
    return columns.rename_columns(names)
