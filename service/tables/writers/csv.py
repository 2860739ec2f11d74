"""CSV, joined column by column."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from service.media_type import CSV
from service.prediction import Predictions
from service.tables.rows import Rows
from service.tables.writers.columns import DECIMALS, PLAIN, answer_columns, as_begun


class CsvWriter:
    """CSV with a header; probabilities have six decimals."""

    media_type = CSV

    def __init__(self, errors: bool) -> None:
        self._errors = errors
        self._schema: pa.Schema | None = None

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        columns = answer_columns(rows, predictions, self._errors)
        header = b""
        if self._schema is None:
            self._schema = columns.schema
            header = _lines([_quoted(pa.array([name])) for name in columns.schema.names])
        columns = as_begun(columns, self._schema)
        return header + _lines(
            [_text(name, column) for name, column in zip(columns.schema.names, columns.columns, strict=True)]
        )

    def finish(self) -> bytes:
        return b""


_UNITS = np.array([f"{number / 1000:.3f}" for number in range(3001)], dtype="S5")
_MILLIONTHS = np.array([f"{number:03d}" for number in range(1000)], dtype="S3")
_DECIMAL = np.dtype([("units", "S5"), ("millionths", "S3")])


def decimals(numbers: NDArray[np.float32]) -> pa.StringArray:
    """Return numbers from 0 to 3 with six decimals, five times as fast as pyarrow writes them."""
    units, millionths = np.divmod(np.rint(numbers.astype(np.float64) * 1_000_000).astype(np.int32), 1000)
    text = np.empty(len(numbers), _DECIMAL)
    text["units"], text["millionths"] = _UNITS.take(units), _MILLIONTHS.take(millionths)
    ends = np.arange(len(numbers) + 1, dtype=np.int32) * _DECIMAL.itemsize
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(text))


def _text(name: str, column: pa.Array) -> pa.StringArray:
    """Return the cells of a column, those of a null empty."""
    if name in DECIMALS:
        text = decimals(column.fill_null(0).to_numpy())
        return pc.if_else(column.is_valid(), text, "") if column.null_count else text
    text = pc.fill_null(column.cast(pa.string()), "")
    return text if name in PLAIN else _quoted(text)


def _lines(columns: list[pa.StringArray]) -> bytes:
    """Return rows of comma-separated cells, each ended by a line feed."""
    *cells, last = columns
    ended = pc.binary_join_element_wise(last, "", "\n")
    lines = pc.binary_join_element_wise(*cells, ended, ",")
    return bytes(lines.buffers()[2] or b"")


def _quoted(text: pa.StringArray) -> pa.StringArray:
    """Return the cells, in quotes where they hold what would end a cell."""
    special = pc.match_substring_regex(text, '[",\r\n]')
    if not pc.any(special).as_py():
        return text
    quotes = pa.scalar('"')
    escaped = pc.binary_join_element_wise(quotes, pc.replace_substring(text, '"', '""'), quotes, "")
    return pc.if_else(special, escaped, text)
