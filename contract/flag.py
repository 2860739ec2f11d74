"""Flags: specifications that are a yes or no, given as 1 or 0, or as true or false where the data has those.

True is 1 and false is 0 for a flag alone: of any other specification they are a mistake.
"""

import numpy as np

FLAG_UNIT = "0 or 1"
"""The unit of a flag."""

TRUE_TEXTS = ("true", "True", "TRUE")
"""Cells of CSV that mean true: as written by JSON, pandas and spreadsheets. No other text is true."""

FALSE_TEXTS = ("false", "False", "FALSE")
"""Cells of CSV that mean false."""

_NUMBERS = dict.fromkeys(TRUE_TEXTS, 1.0) | dict.fromkeys(FALSE_TEXTS, 0.0)


def flag_number(value: object) -> object:
    """Return 1 or 0 for true or false, and anything else as it is."""
    return float(value) if isinstance(value, bool | np.bool_) else value


def plain_boolean(value: object) -> object:
    """Return numpy's true and false as Python's, which are no numbers to pydantic; anything else as it is."""
    return bool(value) if isinstance(value, np.bool_) else value


def flag_number_of_text(text: str) -> float | None:
    """Return 1 or 0 for a text that says true or false, nothing for another."""
    return _NUMBERS.get(text)
