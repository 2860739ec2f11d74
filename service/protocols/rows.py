"""Phones as platforms send them in JSON -> rows: objects, lists in the order of `FEATURES`, or columns."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from contract.errors import InvalidTableError
from contract.phone import FEATURES, Specifications
from contract.table import REPORTED_VIOLATIONS, refusal
from contract.violation import Location, Violation, expectation, from_pydantic
from service.tables.plausible import checked
from service.tables.readers.judge import Row
from service.tables.rows import Rows
from service.valid_phone import NotPlainlyValid, ValidRow, ValidValues, pack, to_rows, values

Fields = TypeVar("Fields", bound=msgspec.Struct)

ABSENT = msgspec.Raw(b"")
"""The JSON of a field that is not there."""

COUNT = len(FEATURES)

_NO_NUMBER = re.compile(rb"[\[:,\s-](NaN|Infinity)\s*[\],}]")

PIECE_ROWS = 1_000
"""Rows at a time; then others get their turn."""

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_by_name = msgspec.json.Decoder(list[ValidRow]).decode
_decode_in_order = msgspec.json.Decoder(list[ValidValues]).decode


def read_rows(content: msgspec.Raw | bytes, name: str, max_rows: int) -> Iterator[Rows]:
    """Give the rows of a JSON list, each an object of 20 fields and others, or a list of 20 numbers.

    `name` is what the platform calls the list. Raises `InvalidTableError`.
    """
    try:
        rows = _decode_list(content)
    except NotPlainlyValid:
        raise refusal("rows_invalid", (name,), f"{name} must be a JSON list of phones") from None
    check_count(len(rows), max_rows)
    for start in range(0, len(rows), PIECE_ROWS):
        yield rows_of(rows[start : start + PIECE_ROWS], name, start)


def rows_of(rows: Sequence[msgspec.Raw | bytes], name: str, first: int) -> Rows:
    """Return some rows of a list that has `first` of them before. Raises `InvalidTableError`."""
    return Rows(_specifications(rows, name, first))


def is_list(content: msgspec.Raw | bytes) -> bool:
    """Whether a JSON value is a list."""
    return bytes(memoryview(content)[:64]).lstrip()[:1] == b"["


def is_nested(content: msgspec.Raw) -> bool:
    """Whether a JSON list holds lists."""
    return is_list(content) and bytes(memoryview(content)[1:64]).lstrip()[:1] == b"["


def check_count(rows: int, max_rows: int) -> None:
    """Raise `InvalidTableError` if there are none, or too many."""
    if not rows:
        raise refusal("no_rows", (), "There are no phones: send at least one")
    if rows > max_rows:
        raise refusal("too_many_rows", (), f"Too many phones: send at most {max_rows} in one call")


def _specifications(rows: Sequence[msgspec.Raw | bytes], name: str, first: int) -> NDArray[np.float64]:
    joined = b"[" + b",".join(rows) + b"]"
    try:
        if is_list(rows[0]):
            return to_rows([pack(*row) for row in _decode_in_order(joined)])
        return to_rows([pack(*values(row)) for row in _decode_by_name(joined)])
    except NotPlainlyValid:
        return to_rows(_looked_at(rows, name, first))


def _looked_at(rows: Sequence[msgspec.Raw | bytes], name: str, first: int) -> list[bytes]:
    """Return the rows after a look at each. Raises what is wrong with the first few broken ones."""
    packed, violations = [], []
    for number, row in enumerate(rows, first):
        try:
            packed.append(pack(*dict(_judged(row, (name, number))).values()))
        except InvalidTableError as error:
            violations += error.violations
            if len(violations) >= REPORTED_VIOLATIONS:
                break
    if violations:
        raise InvalidTableError(violations[:REPORTED_VIOLATIONS])
    return packed


def _judged(content: msgspec.Raw | bytes, within: Location) -> Row:
    where = f"{within[0]}[{within[1]}]"
    try:
        if not is_list(content):
            return Row.model_validate_json(bytes(content))
        numbers = msgspec.json.decode(content, type=list[float])
    except ValidationError as error:
        found = from_pydantic(error, within)
        raise InvalidTableError([_told(violation, where) for violation in found]) from None
    except NotPlainlyValid:
        raise refusal("row_type", within, f"{where} must hold numbers only") from None
    if len(numbers) != COUNT:
        msg = f"{where} holds {len(numbers)} numbers; send {COUNT}, in the order of /model-info, or an object"
        raise refusal("row_length", within, msg)
    try:
        return Row.model_validate(dict(zip(FEATURES, numbers, strict=True)))
    except ValidationError as error:
        found = from_pydantic(error, within)
        raise InvalidTableError([_told(violation, where) for violation in found]) from None


def _told(violation: Violation, where: str) -> Violation:
    field = violation.loc[2] if len(violation.loc) > 2 else ""
    return Violation(violation.type, violation.loc, f"{where}{'.' if field else ''}{field}: {violation.msg}")


class _Instances(msgspec.Struct):
    instances: msgspec.Raw = ABSENT
    inputs: msgspec.Raw = ABSENT


def read_instances(body: bytes, names: Collection[str], max_rows: int) -> Iterator[Rows]:
    """Give the rows of `{"instances": [...]}`, by whichever of its names. Raises `InvalidTableError`."""
    ((name, rows),) = one_of(read_object(body, _Instances), names)
    return read_rows(rows, name, max_rows)


def one_of(fields: msgspec.Struct, names: Collection[str]) -> Iterator[tuple[str, msgspec.Raw]]:
    """Give the one of these fields that is there. Raises `InvalidTableError` if there are none or more."""
    found = [(name, value) for name in names if (value := getattr(fields, name)) != ABSENT]
    if len(found) != 1:
        raise refusal(
            "form_unknown", (), f"Send a JSON object with one of {', '.join(names)}: a list of phones"
        )
    yield found[0]


def read_object(body: bytes, kind: type[Fields]) -> Fields:
    """Return the fields of a JSON object that `kind` has, unread. Raises `InvalidTableError`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        names = [name for name in kind.__struct_fields__ if not name.startswith("param")]
        what = f"The body must be a JSON object with one of {', '.join(names)}"
        raise refusal("object_expected", (), what) from None
    except NotPlainlyValid:
        raise not_json(body) from None


def not_json(body: bytes | memoryview) -> InvalidTableError:
    """Return the refusal of what is not JSON, as frames with gaps are not when Python writes them."""
    if _NO_NUMBER.search(body):
        msg = (
            "NaN and Infinity are not JSON: a phone has all its specifications, so leave out rows with a gap"
        )
    else:
        msg = "The body is not JSON"
    return refusal("json_invalid", (), msg)


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
        numbers = msgspec.convert(column, list[float | None])
    except msgspec.MsgspecError:
        msg = f"Column {name} holds what is no number; {expectation(name)}"
        raise refusal("column_type", (name,), msg) from None
    return np.array(numbers, dtype=np.float64)
