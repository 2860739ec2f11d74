"""Columns of Arrow and Parquet: as they are, where the answer can have them so."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from contract.phone import Specifications
from service.tables.kept.conversion import json_values, texts
from service.tables.kept.names import free_names


class KeptColumns:
    """Columns of any type that Arrow has."""

    def __init__(self, columns: pa.RecordBatch) -> None:
        self.names = columns.schema.names
        self._columns = columns

    def slice(self, start: int, count: int) -> "KeptColumns":
        return KeptColumns(self._columns.slice(start, count))

    def texts(self, names: Sequence[str]) -> list[pa.Array]:
        return [texts(name, column) for name, column in zip(names, self._columns.columns, strict=True)]

    def columns(
        self, names: Sequence[str], specifications: Specifications | None
    ) -> list[tuple[pa.Field, pa.Array]]:
        del names, specifications  # a schema has names and types of all rows
        return list(zip(self._columns.schema, self._columns.columns, strict=True))

    def objects(self, taken: frozenset[str]) -> list[dict[str, Any]]:
        names = free_names(self.names, taken)
        columns = [
            json_values(name, column) for name, column in zip(self.names, self._columns.columns, strict=True)
        ]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
