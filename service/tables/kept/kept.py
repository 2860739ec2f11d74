"""What the rows that are kept of every kind of table do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

from contract.phone import Specifications

if TYPE_CHECKING:  # JSON is answered without importing pyarrow
    import pyarrow as pa


class Kept(Protocol):
    """N rows of a table with all of their columns."""

    names: Sequence[str]
    """The columns, as far as these rows tell."""

    def slice(self, start: int, count: int) -> Self:
        """Return at most `count` rows, from `start` on."""
        ...

    def texts(self, names: Sequence[str]) -> "list[pa.Array]":
        """Return the columns of these names as text, as CSV has them: null where there is nothing."""
        ...

    def columns(
        self, names: Sequence[str], specifications: Specifications | None
    ) -> "list[tuple[pa.Field, pa.Array]]":
        """Return the columns of these names in a type that no row changes, with what Arrow says of each.

        `specifications` has the numbers of all rows, where no row may be broken: of texts they are the better
        columns. Where one may be broken, its cells come back as they are.
        """
        ...

    def objects(self, taken: frozenset[str]) -> list[dict[str, Any]]:
        """Return the rows as JSON objects, under names that are not `taken`."""
        ...
