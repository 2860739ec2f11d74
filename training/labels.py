"""Price ranges that a table tells in its own way: counted from 1, or in words."""

import re
from collections.abc import Iterator

from contract.errors import InvalidTableError
from contract.phone import PriceRange
from contract.table import NUMBER, decode, read_lines

LABEL = "price_range"

RANGES = ", ".join(f"{each.value} ({each.label})" for each in PriceRange)


def other_labels(content: bytes) -> str | None:
    """Say how all labels of a CSV differ from 0 to 3, and what to do; nothing if they do so in no one way."""
    try:
        labels = set(_labels(content))
    except InvalidTableError:
        return None
    numbers = {float(label) for label in labels if re.fullmatch(NUMBER, label)}
    if not numbers and labels:
        return f"{LABEL} holds words; write numbers for them: {RANGES}"
    if len(numbers) == len(labels) and numbers == {each + 1 for each in PriceRange}:
        return f"{LABEL}: labels run from 1 to 4; expected 0 to 3: subtract 1"
    return None


def _labels(content: bytes) -> Iterator[str]:
    lines = read_lines(decode(content))
    names = [name.strip() for name in next(lines, (1, []))[1]]
    if names.count(LABEL) != 1:
        return
    column = names.index(LABEL)
    for _, cells in lines:
        if len(cells) == len(names) and cells[column].strip():
            yield cells[column].strip()
