"""Limits on what kept columns come to when they are written, whatever they were packed into."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from contract.table import refusal
from service.tables.readers.text_sizes import text_sizes

MAX_PIECE_BYTES = 8 * 2**20
"""Of kept columns as text, where several rows are written at a time."""

FREE_BYTES = 64 * 2**20
"""What the texts of a table may always come to."""

MAX_RATIO = 64
"""Bytes of text beyond it that each byte received may stand for."""


class Expansion:
    """Counts what came of one table and what its kept texts come to."""

    def __init__(self) -> None:
        self.received = 0
        self._written = 0

    def pieces(self, columns: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Give the rows, as many at a time as may be written at once.

        Raises `InvalidTableError` that names the largest column if the texts come to too much.
        """
        fixed = sum(map(len, columns.schema.names))
        rows = np.zeros(columns.num_rows, np.int64)
        texts: dict[str, int] = {}
        for name, column in zip(columns.schema.names, columns.columns, strict=True):
            sizes = text_sizes(column)
            if isinstance(sizes, int):
                fixed += sizes
            else:
                rows += sizes
                texts[name] = int(sizes.sum())
        self._add(texts)
        for start, stop in _cuts(rows + fixed):
            yield columns.slice(start, stop - start)

    def _add(self, texts: dict[str, int]) -> None:
        self._written += sum(texts.values())
        if self._written > FREE_BYTES + MAX_RATIO * self.received:
            name = max(texts, key=texts.__getitem__)
            written = f"Written out, the kept columns come to over {self._written // 2**20} MiB"
            msg = f"{written}, most of it in column {name[:100]}; send smaller tables, or do not keep it"
            raise refusal("table_expands", (name,), msg)


def _cuts(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Give starts and ends of pieces that come to at most MAX_PIECE_BYTES, or have one row."""
    ends = sizes.cumsum()
    start = 0
    while start < len(sizes):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + MAX_PIECE_BYTES, side="right")))
        yield start, stop
        start = stop
