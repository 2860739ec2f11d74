"""Some rows of a table, as every reader gives them and every writer takes them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from contract.phone import Specifications
from contract.violation import Violation

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_ROWS = 8192
"""Rows that are checked, predicted and written at a time: a few milliseconds, then others get their turn."""

Broken: TypeAlias = dict[int, list[Violation]]
"""What is wrong with which row, counted from the first of these rows."""


@dataclass
class Rows:
    """N rows of a table, of which some may be broken.

    `specifications` has the others in their order: (N - broken, 20). `kept` holds the table's own N rows,
    where they are to come back.
    """

    specifications: Specifications
    broken: Broken = field(default_factory=dict)
    kept: "pa.RecordBatch | None" = None

    def __len__(self) -> int:
        return len(self.specifications) + len(self.broken)
