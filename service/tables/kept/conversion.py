"""Values of Arrow as text or JSON, where a kind of answer has no such type.

Dates, times and moments come as ISO 8601, those with a zone in UTC; durations and intervals as its durations;
decimals as plain digits; bytes as the text that they are; a UUID in hexadecimal digits. What is nested is
JSON, and in a text JSON's text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from math import isinf
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract.errors import InvalidTableError
from contract.table import refusal
from service.tables.kept.nesting import list_bounds, run_places, union_places

_SECOND = {"s": 0, "ms": 3, "us": 6, "ns": 9}
"""Digits behind the point of a second."""

_encode = msgspec.json.Encoder().encode


def texts(name: str, column: pa.Array) -> pa.StringArray:
    """Return a kept column as text. Raises `InvalidTableError` that names it if it cannot be one."""
    with _named(name, column):
        return _texts(column)


def json_values(name: str, column: pa.Array) -> list[Any]:
    """Return a kept column as values of JSON. Raises `InvalidTableError` that names it if it has others."""
    with _named(name, column):
        return _values(column)


def not_written(name: str, kind: pa.DataType, error: Exception) -> InvalidTableError:
    """Return the refusal of a kept column that this kind of answer cannot have."""
    reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
    msg = f"Column {name[:100]} of {str(kind)[:100]} cannot be written as what was asked for ({reason})"
    return refusal("column_not_written", (name,), f"{msg}; send it as another type, or do not keep it")


@contextmanager
def _named(name: str, column: pa.Array) -> Iterator[None]:
    try:
        yield
    except InvalidTableError:
        raise
    except Exception as error:  # noqa: BLE001 - pyarrow raises many kinds, and has types that it cannot read
        raise not_written(name, column.type, error) from None


def _texts(column: pa.Array) -> pa.StringArray:
    kind, types = column.type, pa.types
    if isinstance(kind, pa.UuidType):
        return _from_list([None if value is None else str(value) for value in column.to_pylist()])
    if isinstance(column, pa.ExtensionArray):
        return _texts(column.storage)
    if types.is_dictionary(kind):
        return _texts(column.dictionary).take(column.indices)
    if types.is_run_end_encoded(kind):
        return _texts(column.values).take(pa.array(run_places(column)))
    if types.is_nested(kind):
        return _from_list([None if value is None else _encode(value).decode() for value in _values(column)])
    if types.is_decimal(kind):
        return _from_list([None if value is None else f"{value:f}" for value in column.to_pylist()])
    if types.is_duration(kind):
        numbers = column.view(pa.int64()).to_pylist()
        return _from_list([None if number is None else _duration(number, kind.unit) for number in numbers])
    if types.is_interval(kind):
        return _from_list([None if value is None else _interval(*value) for value in column.to_pylist()])
    return _dates_and_times(column) if types.is_temporal(kind) else column.cast(pa.string())


def _from_list(values: list[str | None]) -> pa.StringArray:
    return pa.array(values, pa.string())


def _dates_and_times(column: pa.Array) -> pa.StringArray:
    zone = None
    if pa.types.is_timestamp(column.type):
        zone = column.type.tz
        column = column.view(pa.timestamp(column.type.unit))  # in UTC, if it had a zone
    text = column.cast(pa.string())
    if pc.any(pc.starts_with(text, "<")).as_py():  # <value out of range: ...>
        raise ValueError("a date or time is out of range")
    text = pc.replace_substring(text, " ", "T")
    return text if zone is None else pc.binary_join_element_wise(text, "Z", "")


def _duration(number: int, unit: str) -> str:
    return f"{'-' if number < 0 else ''}PT{_seconds(abs(number), _SECOND[unit])}S"


def _interval(months: int, days: int, nanoseconds: int) -> str:
    seconds = f"{'-' if nanoseconds < 0 else ''}{_seconds(abs(nanoseconds), 9)}"
    return f"P{months}M{days}DT{seconds}S"


def _seconds(number: int, digits: int) -> str:
    """Return a number of the smallest parts of a second in seconds: 1500 of three digits are 1.5."""
    text = f"{Decimal(number).scaleb(-digits):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _values(column: pa.Array) -> list[Any]:
    kind, types = column.type, pa.types
    if isinstance(column, pa.ExtensionArray) and not isinstance(kind, pa.UuidType):
        return _values(column.storage)
    if types.is_dictionary(kind):
        values = _values(column.dictionary)
        return [None if index is None else values[index] for index in column.indices.to_pylist()]
    if types.is_run_end_encoded(kind):
        values = _values(column.values)
        return [values[place] for place in run_places(column).tolist()]
    if types.is_struct(kind):
        return _objects(column)
    if types.is_union(kind):
        return _of_union(column)
    if types.is_nested(kind):
        return _lists(column)
    if types.is_decimal(kind):
        return [None if text is None else msgspec.Raw(text.encode()) for text in _texts(column).to_pylist()]
    if types.is_floating(kind):  # JSON has no number for what is infinite
        return [str(each) if each is not None and isinf(each) else each for each in column.to_pylist()]
    if types.is_integer(kind) or types.is_boolean(kind) or types.is_null(kind):
        return list(column.to_pylist())
    return list(_texts(column).to_pylist())


def _objects(column: pa.StructArray) -> list[Any]:
    names = [field.name for field in column.type]
    if len(set(names)) < len(names):
        raise ValueError("two fields of it have the same name")
    fields = [_values(column.field(index)) for index in range(len(names))]
    rows = zip(*fields, strict=True) if fields else [()] * len(column)
    is_there = column.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if there else None
        for there, row in zip(is_there, rows, strict=True)
    ]


def _of_union(column: pa.UnionArray) -> list[Any]:
    found: list[Any] = [None] * len(column)
    for values, chosen, places in union_places(column):
        own = _values(values)
        for row, place in zip(chosen.tolist(), places.tolist(), strict=True):
            found[row] = own[place]
    return found


def _lists(column: pa.Array) -> list[Any]:
    """Return lists of any kind; a map is a list of pairs, as its keys may be no text, or be there twice."""
    within, starts, ends = list_bounds(column)
    if pa.types.is_map(column.type):
        keys, items = _values(within.field(0)), _values(within.field(1))
        values: list[Any] = list(zip(keys, items, strict=True))
    else:
        values = _values(within)
    is_there = np.asarray(column.is_valid())
    return [
        values[start:end] if there else None
        for start, end, there in zip(starts.tolist(), ends.tolist(), is_there.tolist(), strict=True)
    ]
