"""What every reader of tables does."""

from collections.abc import Iterator
from typing import Protocol

from service.tables.rows import Rows


class Reader(Protocol):
    """Bytes of a table -> its rows, a piece at a time. Raises `InvalidTableError` where it is no table."""

    def feed(self, content: bytes) -> Iterator[Rows]:
        """Give the rows that these bytes complete."""
        ...

    def finish(self) -> Iterator[Rows]:
        """Give the rows that are left when all bytes have come."""
        ...
