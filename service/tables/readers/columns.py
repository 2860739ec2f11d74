"""Columns of Arrow -> the matrix of a phone's features, by name."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.errors import InvalidTableError
from contract.phone import FEATURES, FLAGS, SPECIFICATIONS, Specifications
from contract.table import refusal
from contract.violation import Violation, expectation
from service.tables.width import check_width


def check_schema(schema: pa.Schema, keep: bool) -> None:
    """Raise `InvalidTableError` if there are too many columns; each field within a column is one, too.

    Names of columns that come back must be text, within columns, too: they are written.
    """
    columns = 0
    for number, column in enumerate(schema):
        fields = [column]
        while fields:
            field = fields.pop()
            if keep:
                _check_name(field, number)
            within = _within(field.type)
            fields += within
            columns += not within
    check_width(columns)


def _check_name(field: pa.Field, column: int) -> None:
    try:
        field.name.encode()
    except UnicodeError:
        msg = f"Column {column} (counted from 0) has a name that is not UTF-8; rename it, or do not keep it"
        raise refusal("name_not_utf8", ("column", column), msg) from None


def _within(kind: pa.DataType) -> list[pa.Field]:
    """Return the fields of which this type is made."""
    if isinstance(kind, pa.BaseExtensionType):
        return [pa.field("", kind.storage_type)]
    if pa.types.is_dictionary(kind):
        return [pa.field("", kind.value_type)]
    return [kind.field(index) for index in range(kind.num_fields)]


def only_features(columns: pa.RecordBatch) -> pa.RecordBatch:
    """Return the columns without those that have the name of no feature."""
    names = columns.schema.names
    chosen = [index for index, name in enumerate(names) if name in SPECIFICATIONS]
    return columns if len(chosen) == len(names) else columns.select(chosen)


def matrix(columns: pa.RecordBatch) -> Specifications:
    """Return the features as (N, 20), what is missing as not a number.

    float32 if all of them are, so that nothing is converted twice; else float64, which holds every number
    that a phone may have. Raises `InvalidTableError` that names a column that is missing or holds no numbers.
    """
    features = [_column(columns, name) for name in FEATURES]
    single = all(pa.types.is_float32(column.type) for column in features)
    shape = (len(FEATURES), columns.num_rows)
    table: Specifications = np.empty(shape, np.float32) if single else np.empty(shape, np.float64)
    for index, column in enumerate(features):
        table[index] = _numbers(column)
    return table.T  # each feature's numbers lie together, where numpy looks through them five times as fast


def check_features(schema: pa.Schema) -> None:
    """Raise `InvalidTableError` that names a feature whose column is missing or holds no numbers."""
    for name in FEATURES:
        _index(schema, name)


def _column(columns: pa.RecordBatch, name: str) -> pa.Array:
    column = columns.column(_index(columns.schema, name))
    column = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
    if pa.types.is_boolean(column.type):
        return column.cast(pa.uint8())
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column


def _index(schema: pa.Schema, name: str) -> int:
    """Return the place of the one column of this name, which holds numbers."""
    found = schema.get_all_field_indices(name)
    if len(found) != 1:
        kind = "repeated_column" if found else "missing_column"
        what = f"Column {name} is there more than once" if found else f"The table has no column {name}"
        raise InvalidTableError([Violation(kind, (name,), f"{what}; {expectation(name)}")])
    type_ = schema.field(found[0]).type
    held = type_.value_type if pa.types.is_dictionary(type_) else type_
    if not _is_numbers(held, name):
        what = f"Column {name} holds {held}, not numbers; {expectation(name)}"
        raise InvalidTableError([Violation("column_type", (name,), what)])
    index: int = found[0]
    return index


def _is_numbers(held: pa.DataType, name: str) -> bool:
    """Say whether a column's values are numbers to its specification, as true and false are to a flag."""
    if pa.types.is_boolean(held):
        return name in FLAGS
    return pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_decimal(held)  # type: ignore[no-any-return]


def _numbers(column: pa.Array) -> NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))
