"""What every writer of answers does."""

from typing import Protocol

from service.prediction import Predictions
from service.tables.rows import Rows


class Writer(Protocol):
    """Rows and their predictions -> bytes of a table, a piece at a time."""

    media_type: str

    piece_rows: int
    """Rows that are predicted and written at a time: a few milliseconds, then others get their turn."""

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        """Return the bytes of these rows."""
        ...

    def finish(self) -> bytes:
        """Return the bytes that end the table."""
        ...
