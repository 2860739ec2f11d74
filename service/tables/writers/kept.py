"""The table's own columns among those of the answer."""

from typing import TYPE_CHECKING

from contract.table import refusal

if TYPE_CHECKING:  # JSON keeps columns, too, and nobody who asks for JSON waits for pyarrow
    import pyarrow as pa


def renamed(columns: "pa.RecordBatch", taken: frozenset[str]) -> "pa.RecordBatch":
    """Return kept columns under names that the answer has not taken; each stays apart from the others.

    A labelled table has `price_range`, which the answer has, too; one scored before has all of its columns.
    """
    given = columns.schema.names
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise refusal("repeated_column", (twice,), f"Column {twice} is there twice; rename one to keep both")
    names: dict[str, str] = {}
    for name in given:
        free = name
        while free in taken or (free != name and free in given) or free in names.values():
            free += "_given"
        names[name] = free
    return columns.rename_columns(list(names.values()))
