"""CSV, joined column by column."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract.phone import PriceRange
from service.media_type import CSV
from service.prediction import Predictions
from service.tables.rows import Rows
from service.tables.writers.columns import ANSWER, DECIMALS, TableColumns


class CsvWriter:
    """CSV with a header; probabilities have six decimals."""

    media_type = CSV

    def __init__(self, errors: bool, keep: bool) -> None:
        self.piece_rows = 2048 if keep else 8192  # to write what is kept takes several times as long
        self._columns = TableColumns(errors, texts=True)
        self._begun = False

    def write(self, rows: Rows, predictions: Predictions) -> bytes:
        columns = self._columns.of(rows, predictions)
        header = b""
        if not self._begun:
            self._begun = True
            header = ",".join(_quoted(pa.array(columns.schema.names)).to_pylist()).encode() + b"\n"
        return header + _lines(_cells(columns))

    def finish(self) -> bytes:
        return b""


_UNITS = np.array([f"{number / 1000:.3f}" for number in range(3001)], dtype="S5")
_MILLIONTHS = np.array([f"{number:03d}" for number in range(1000)], dtype="S3")
_DECIMAL = np.dtype([("units", "S5"), ("millionths", "S3"), ("comma", "S1")])


def decimals(columns: Sequence[NDArray[np.float32]]) -> pa.StringArray:
    """Return columns of numbers from 0 to 3 as one of text, with six decimals and a comma after each.

    pyarrow takes five times as long to write a float32, and to join each column to the others.
    """
    text = np.empty((len(columns[0]), len(columns)), _DECIMAL)
    text["comma"] = b","
    for numbers, cells in zip(columns, text.T, strict=True):
        units, millionths = np.divmod(np.rint(numbers * np.float64(1_000_000)).astype(np.int32), 1000)
        cells["units"], cells["millionths"] = _UNITS.take(units), _MILLIONTHS.take(millionths)
    ends = np.arange(len(text) + 1, dtype=np.int32) * (_DECIMAL.itemsize * len(columns))
    return pa.StringArray.from_buffers(len(text), pa.py_buffer(ends), pa.py_buffer(text))


def _cells(columns: pa.RecordBatch) -> Iterator[pa.StringArray]:
    """Give the columns as text, each cell with what ends it, those of nulls empty."""
    *names, last = columns.schema.names  # the last one is never of decimals
    for are_decimals, group in groupby(names, DECIMALS.__contains__):
        if are_decimals:
            yield _decimals([columns.column(name) for name in group])
        else:
            yield from (_text(name, columns.column(name), ",") for name in group)
    yield _text(last, columns.column(last), "\n")


def _decimals(columns: list[pa.Array]) -> pa.StringArray:
    text = decimals([column.fill_null(0).to_numpy() for column in columns])
    if columns[0].null_count:  # a broken row has no answer at all
        text = pc.if_else(columns[0].is_valid(), text, "," * len(columns))
    return text


def _text(name: str, column: pa.Array, end: str) -> pa.StringArray:
    if name == "price_range":
        column = pa.DictionaryArray.from_arrays(column, [str(item.value) for item in PriceRange])
    if isinstance(column, pa.DictionaryArray):
        text = _ended(column.dictionary.cast(pa.string()), end).take(column.indices)
        return text.fill_null(end) if text.null_count else text
    text = column.cast(pa.string())
    text = text.fill_null("") if text.null_count else text
    return _ended(text if name in ANSWER else _quoted(text), end)


def _ended(text: pa.StringArray, end: str) -> pa.StringArray:
    return pc.binary_join_element_wise(text, "", end)


def _lines(cells: Iterable[pa.StringArray]) -> bytes:
    """Return the rows of cells."""
    return bytes(pc.binary_join_element_wise(*cells, "").buffers()[2] or b"")


def _quoted(text: pa.StringArray) -> pa.StringArray:
    """Return the cells, in quotes where they hold what would end a cell."""
    special = pc.match_substring_regex(text, '[",\r\n]')
    if not pc.any(special).as_py():
        return text
    quotes = pa.scalar('"')
    escaped = pc.binary_join_element_wise(quotes, pc.replace_substring(text, '"', '""'), quotes, "")
    return pc.if_else(special, escaped, text)
