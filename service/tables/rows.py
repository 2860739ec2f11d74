"""Some rows of a table, as every reader gives them and every writer takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from contract.errors import InvalidTableError
from contract.phone import Specifications
from contract.table import REPORTED_VIOLATIONS
from contract.violation import Violation
from service.tables.kept import Kept

Broken: TypeAlias = dict[int, Sequence[Violation]]
"""What is wrong with which row, counted from the first of these rows."""


MAX_TOLD = 3
"""Errors of a row that are told one by one: an answer stays about as long as that of a sound row."""


def told(violations: Sequence[Violation]) -> list[Violation]:
    """Return the first errors of a broken row, and how many more it has."""
    first = list(violations[:MAX_TOLD])
    if more := len(violations) - len(first):
        first.append(Violation("more_errors", first[0].loc[:2], f"and {more} more"))
    return first


@dataclass
class Rows:
    """N rows of a table, of which some may be broken.

    `specifications` has the others in their order: (N - broken, 20). `kept` holds the table's own N rows,
    where they are to come back.
    """

    specifications: Specifications
    broken: Broken = field(default_factory=dict)
    kept: Kept | None = None

    def __len__(self) -> int:
        return len(self.specifications) + len(self.broken)

    def error(self) -> InvalidTableError:
        """Return what names the first of the broken rules."""
        violations = (violation for row in sorted(self.broken) for violation in self.broken[row])
        return InvalidTableError(list(islice(violations, REPORTED_VIOLATIONS)))

    def pieces(self, size: int) -> Iterator["Rows"]:
        """Give them at most `size` at a time."""
        if len(self) <= size:
            yield self
            return
        taken = 0
        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            broken = {row - start: self.broken[row] for row in self.broken if start <= row < stop}
            sound = stop - start - len(broken)
            kept = None if self.kept is None else self.kept.slice(start, size)
            yield Rows(self.specifications[taken : taken + sound], broken, kept)
            taken += sound
