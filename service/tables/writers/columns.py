"""Answers as columns, with the names that the JSON answer has."""

from functools import lru_cache

import numpy as np
import pyarrow as pa

from contract.phone import PriceRange
from contract.table import refusal
from service.prediction import LABELS, Predictions
from service.tables.kept import Kept
from service.tables.kept.names import free_names
from service.tables.rows import Rows, told

PROBABILITIES = tuple(f"probability_{item.name.lower()}" for item in PriceRange)

DECIMALS = frozenset((*PROBABILITIES, "confidence", "expected_range"))
"""The columns of numbers between 0 and 3."""

ANSWER = DECIMALS | {"price_range", "label", "prediction_set", "warnings"}
"""The columns whose text holds neither comma nor quote."""

_LABELS = pa.array(LABELS)
_BOUNDS = [(low, high) for low in PriceRange for high in PriceRange if low <= high]
_SETS = pa.array(" ".join(map(str, range(low, high + 1))) for low, high in _BOUNDS)
_PLACES = np.zeros(len(PriceRange) ** 2, np.int8)
"""Where in `_SETS` the set is whose bounds are the digits of the index, low and high."""
_PLACES[[low * len(PriceRange) + high for low, high in _BOUNDS]] = np.arange(len(_BOUNDS))


class TableColumns:
    """The columns of an answer: those that are kept, then the answer's own; all rows have those of the first.

    With `errors` a column says what is wrong with a row; with `texts` kept columns are text, as in CSV.
    """

    def __init__(self, errors: bool, texts: bool = False) -> None:
        self._errors = errors
        self._texts = texts
        self._names: list[str] | None = None
        self._free: list[str] = []

    def of(self, rows: Rows, predictions: Predictions) -> pa.RecordBatch:
        """Return the columns of these rows. Raises `InvalidTableError` for a column that comes too late."""
        answer = _answer(rows, predictions, self._errors)
        # what is never missing says so: Parquet need not look for what is
        columns = [
            (pa.field(name, column.type, nullable=self._errors), column) for name, column in answer.items()
        ]
        if rows.kept is not None:
            columns = [*self._kept(rows, rows.kept, frozenset(answer)), *columns]
        return pa.RecordBatch.from_arrays(
            [column for _, column in columns], schema=pa.schema([field for field, _ in columns])
        )

    def _kept(self, rows: Rows, kept: Kept, taken: frozenset[str]) -> list[tuple[pa.Field, pa.Array]]:
        if self._names is None:
            self._names = list(kept.names)
            self._free = free_names(self._names, taken)
        elif late := set(kept.names).difference(self._names):
            name = min(late)
            msg = f"The first rows have no column {name[:100]}, so the answer has none: give them one, too"
            raise refusal("other_columns", (name,), f"{msg}, be it null, or ask for NDJSON")
        if self._texts:
            columns = [(pa.field("", pa.string()), column) for column in kept.texts(self._names)]
        else:
            columns = kept.columns(self._names, None if self._errors else rows.specifications)
        # fields that may not be missing can be so nevertheless, and Parquet does not write them
        return [
            (field.with_name(name).with_nullable(True), column)
            for name, (field, column) in zip(self._free, columns, strict=True)
        ]


def _answer(rows: Rows, predictions: Predictions, errors: bool) -> dict[str, pa.Array]:
    """Return the answer's own columns, null in broken rows.

    `prediction_set` is text, as in "1 2"; `warnings` has a word for each: `ram`, `fc>pc`, `unlike`.
    """
    answer: dict[str, pa.Array] = {
        "price_range": pa.array(predictions.price_range.astype(np.int8)),
        "label": _of(predictions.price_range, _LABELS),
        **{name: pa.array(predictions.columns[at]) for at, name in enumerate(PROBABILITIES)},
        "confidence": pa.array(predictions.confidence),
        "prediction_set": _prediction_sets(predictions),
        "expected_range": pa.array(predictions.expected_range.astype(np.float32)),
        "warnings": _warnings(predictions),
    }
    if rows.broken:
        places = _places(rows)
        answer = {name: column.take(places) for name, column in answer.items()}
    if errors:
        answer["error"] = _errors(rows)
    return answer


def _of(codes: np.ndarray, values: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8, copy=False)), values)


def _prediction_sets(predictions: Predictions) -> pa.DictionaryArray:
    lowest, highest = predictions.prediction_set
    return _of(_PLACES[lowest * np.int8(len(PriceRange)) + highest], _SETS)


def _warnings(predictions: Predictions) -> pa.StringArray:
    """Return the words for each row's warnings, side by side; most rows have none."""
    ends = np.zeros(len(predictions) + 1, dtype=np.int32)
    text = ""
    if predictions.any_warned:
        rows, kinds = predictions.warned_at
        bits = np.zeros(len(predictions), dtype=np.int64)
        np.bitwise_or.at(bits, rows, 1 << kinds)
        warned = np.flatnonzero(bits)
        texts = [_in_words(combination, predictions.judge.kinds) for combination in bits[warned].tolist()]
        ends[warned + 1] = [len(each) for each in texts]
        text = "".join(texts)
    buffers = pa.py_buffer(ends.cumsum(dtype=np.int32)), pa.py_buffer(text.encode())
    return pa.StringArray.from_buffers(len(predictions), *buffers)


@lru_cache(maxsize=4096)
def _in_words(bits: int, kinds: tuple[str, ...]) -> str:
    return " ".join(kind for place, kind in enumerate(kinds) if bits >> place & 1)


def _errors(rows: Rows) -> pa.StringArray:
    texts: list[str | None] = [None] * len(rows)
    for row, violations in rows.broken.items():
        texts[row] = "; ".join(violation.msg for violation in told(violations))
    return pa.array(texts, type=pa.string())


def _places(rows: Rows) -> pa.Int32Array:
    """Return where the answer of each row stands, null for a broken one: (N,)."""
    broken = np.zeros(len(rows), dtype=bool)
    broken[list(rows.broken)] = True
    return pa.array(np.cumsum(~broken) - 1, type=pa.int32(), mask=broken)
