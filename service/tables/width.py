"""How many columns a table may have."""

from contract.table import refusal

MOST_COLUMNS = 1_000
"""Of a table; each costs memory in every row, whether a row has anything there or not."""


def check_width(columns: int) -> None:
    """Raise `InvalidTableError` if a text has more columns than may be held."""
    if columns > MOST_COLUMNS:
        raise refusal("too_many_columns", (), f"The table has {columns} columns; send at most {MOST_COLUMNS}")
