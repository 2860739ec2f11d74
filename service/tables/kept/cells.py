"""Rows of CSV: each cell is a text, and stays that text."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from contract.phone import FEATURES, SPECIFICATIONS, Specifications
from contract.table import NUMBER
from service.tables.kept.names import free_names

_NUMBER = re.compile(NUMBER)
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class KeptCells:
    """Columns of text, without nulls: an empty cell is an empty text."""

    def __init__(self, names: Sequence[str], columns: Sequence[pa.StringArray]) -> None:
        self.names = names
        self._columns = columns

    def slice(self, start: int, count: int) -> "KeptCells":
        return KeptCells(self.names, [column.slice(start, count) for column in self._columns])

    def texts(self, names: Sequence[str]) -> list[pa.Array]:
        del names  # a header names the columns of all rows
        return list(self._columns)

    def columns(
        self, names: Sequence[str], specifications: Specifications | None
    ) -> list[tuple[pa.Field, pa.Array]]:
        return numbers_or_texts(names, self._columns, specifications)

    def objects(self, taken: frozenset[str]) -> list[dict[str, Any]]:
        columns: list[list[Any]] = [
            _in_json(column.to_pylist()) if name in SPECIFICATIONS else column.to_pylist()
            for name, column in zip(self.names, self._columns, strict=True)
        ]
        names = free_names(self.names, taken)
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def numbers_or_texts(
    names: Sequence[str], texts: Sequence[pa.StringArray], specifications: Specifications | None
) -> list[tuple[pa.Field, pa.Array]]:
    """Return columns of text, those of the specifications as numbers where there are such."""
    columns = dict(zip(names, texts, strict=True))
    if specifications is not None:
        numbers = zip(FEATURES, specifications.T, strict=True)
        columns |= {name: pa.array(np.ascontiguousarray(each, np.float64)) for name, each in numbers}
    return [(pa.field(name, columns[name].type), columns[name]) for name in names]


def _in_json(cells: list[str]) -> list[Any]:
    """Return numbers where cells hold such, digit for digit if JSON writes them so; other cells as text."""
    written = {cell: _number_or_text(cell) for cell in set(cells)}  # most are there many times
    return [written[cell] for cell in cells]


def _number_or_text(cell: str) -> msgspec.Raw | float | str:
    stripped = cell.strip()
    if _JSON_NUMBER.fullmatch(stripped):
        return msgspec.Raw(stripped.encode())
    if _NUMBER.fullmatch(stripped) and np.isfinite(number := float(stripped)):
        return number
    return cell
