"""Data frames and arrays -> rows: columns by name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.phone import FEATURES, FLAGS, Specifications
from contract.table import refusal
from contract.violation import expectation
from service.protocols.rows import COUNT, PIECE_ROWS, check_count
from service.tables.plausible import checked
from service.tables.rows import Rows


def read_columns(columns: Mapping[str, Sequence[Any]], max_rows: int) -> Iterator[Rows]:
    """Give the rows of columns by name, among others. Raises `InvalidTableError`."""
    if missing := [name for name in FEATURES if name not in columns]:
        msg = f"There is no column {', '.join(missing)}: send one for each of the {COUNT} specifications"
        raise refusal("missing_column", (), msg)
    lengths = {len(columns[name]) for name in FEATURES}
    if len(lengths) > 1:
        raise refusal("column_length", (), "The columns differ in length; send as many values in each")
    check_count(lengths.pop(), max_rows)
    return checked_in_pieces(np.stack([_numbers(name, columns[name]) for name in FEATURES], axis=1))


def read_frame(names: Sequence[Any], data: Sequence[Sequence[Any]], max_rows: int) -> Iterator[Rows]:
    """Give the rows of a data frame: the names of its columns, and its rows. Raises `InvalidTableError`."""
    check_count(len(data), max_rows)
    for number, row in enumerate(data):
        if len(row) != len(names):
            msg = f"Row {number} (counted from 0) has {len(row)} values, but there are {len(names)} columns"
            raise refusal("cell_count", ("data", number), msg)
    for name in FEATURES:
        if names.count(name) > 1:
            raise refusal("repeated_column", (name,), f"Column {name} is there twice")
    return read_columns(dict(zip(names, zip(*data, strict=True), strict=True)), max_rows)


def checked_in_pieces(phones: Specifications) -> Iterator[Rows]:
    """Give the rows of a matrix, those that break a rule with what is wrong."""
    for start in range(0, len(phones), PIECE_ROWS):
        yield from checked(phones[start : start + PIECE_ROWS], start)


def _numbers(name: str, column: Sequence[Any]) -> NDArray[np.float64]:
    """Return numbers, and not a number where there is nothing, for the row to be judged."""
    try:
        numbers = msgspec.convert(column, list[float | bool | None] if name in FLAGS else list[float | None])
    except msgspec.MsgspecError:
        msg = f"Column {name} holds what is no number; {expectation(name)}"
        raise refusal("column_type", (name,), msg) from None
    return np.array(numbers, dtype=np.float64)
