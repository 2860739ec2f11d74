"""Phones as platforms send them in JSON -> rows: objects by name, or lists in the order of `FEATURES`."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from contract.errors import InvalidTableError
from contract.phone import FEATURES, FLAGS
from contract.table import REPORTED_VIOLATIONS, refusal
from contract.violation import Location, Violation, expectation, from_pydantic
from service.json_text import json_text
from service.tables.readers.judge import Row, check_bytes
from service.tables.rows import Rows
from service.valid_phone import NotPlainlyValid, ValidRow, ValidValues, pack, to_rows, values

Fields = TypeVar("Fields", bound=msgspec.Struct)

ABSENT = msgspec.Raw(b"")
"""The JSON of a field that is not there."""

COUNT = len(FEATURES)

Place: TypeAlias = Callable[[int], tuple[Location, str]]
"""Says where the row of a number, from 0, is: for programs, and in words."""

_UNKNOWN_FIELD = re.compile("unknown field `(.*)`", re.DOTALL)

_LIST, _LIST_OF_LISTS = re.compile(rb"\s*\["), re.compile(rb"\s*\[\s*\[")

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
    place = partial(_in_list, name)
    for start in range(0, len(rows), PIECE_ROWS):
        yield rows_of(rows[start : start + PIECE_ROWS], place, start)


def rows_of(rows: Sequence[msgspec.Raw | bytes], place: Place, first: int) -> Rows:
    """Return some rows, before which there are `first`. Raises `InvalidTableError`."""
    return Rows(_specifications(rows, place, first))


def _in_list(name: str, number: int) -> tuple[Location, str]:
    return (name, number), f"{name}[{number}]"


def is_list(content: msgspec.Raw | bytes) -> bool:
    """Whether a JSON value is a list."""
    return _LIST.match(content) is not None


def is_nested(content: msgspec.Raw) -> bool:
    """Whether a JSON list holds lists."""
    return _LIST_OF_LISTS.match(content) is not None


def check_count(rows: int, max_rows: int) -> None:
    """Raise `InvalidTableError` if there are none, or too many."""
    if not rows:
        raise refusal("no_rows", (), "There are no phones: send at least one")
    if rows > max_rows:
        raise refusal("too_many_rows", (), f"Too many phones: send at most {max_rows} in one call")


def _specifications(rows: Sequence[msgspec.Raw | bytes], place: Place, first: int) -> NDArray[np.float64]:
    joined = b"[" + b",".join(rows) + b"]"
    try:
        if is_list(rows[0]):
            found = to_rows([pack(*row) for row in _decode_in_order(joined)])
        else:
            found = to_rows([pack(*values(row)) for row in _decode_by_name(joined)])
    except NotPlainlyValid:
        return to_rows(_looked_at(rows, place, first))
    # a line may hold two phones with a comma between them
    return found if len(found) == len(rows) else to_rows(_looked_at(rows, place, first))


def _looked_at(rows: Sequence[msgspec.Raw | bytes], place: Place, first: int) -> list[bytes]:
    """Return the rows after a look at each. Raises what is wrong with the first few broken ones."""
    packed: list[bytes] = []
    violations: list[Violation] = []
    for number, row in enumerate(rows, first):
        within, where = place(number)
        if bytes(row).lstrip()[:1] not in (b"[", b"{"):  # one is told: where there is one, all are so
            msg = f"{where} is neither a list nor an object: put the {COUNT} numbers of each phone into one"
            raise refusal("row_type", within, msg)
        try:
            packed.append(pack(*dict(_judged(row, within, where)).values()))
        except InvalidTableError as error:
            violations += error.violations
            if len(violations) >= REPORTED_VIOLATIONS:
                break
    if violations:
        raise InvalidTableError(violations[:REPORTED_VIOLATIONS])
    return packed


def _judged(content: msgspec.Raw | bytes, within: Location, where: str) -> Row:
    check_bytes(content, within, f"{where}: ")
    try:
        if is_list(content):
            return Row.model_validate(dict(zip(FEATURES, _numbers(content, within, where), strict=True)))
        return Row.model_validate_json(bytes(content))
    except ValidationError as error:
        found = from_pydantic(error, within)
        raise InvalidTableError([_told(violation, where) for violation in found]) from None


def _numbers(content: msgspec.Raw | bytes, within: Location, where: str) -> list[float]:
    try:
        values = _decode_list(content)
    except NotPlainlyValid:
        raise refusal("json_invalid", within, f"{where} is not JSON") from None
    # of a list that is too long, one more tells whether it is numbers at all
    numbers = [_number(value, at, within, where) for at, value in enumerate(values[: COUNT + 1])]
    if len(values) != COUNT:
        msg = f"{where} holds {len(values)} numbers; send {COUNT}, in the order of /model-info, or an object"
        raise refusal("row_length", within, msg)
    return numbers


def _number(content: msgspec.Raw, at: int, within: Location, where: str) -> float:
    is_flag = at < COUNT and FEATURES[at] in FLAGS
    try:
        return msgspec.json.decode(content, type=float | bool if is_flag else float)
    except NotPlainlyValid:
        what = f"; {expectation(FEATURES[at])}" if at < COUNT else ""
        raise refusal("row_type", (*within, at), f"{where}[{at}] is not a finite number{what}") from None


def _told(violation: Violation, where: str) -> Violation:
    field = violation.loc[2] if len(violation.loc) > 2 else ""
    return Violation(violation.type, violation.loc, f"{where}{'.' if field else ''}{field}: {violation.msg}")


def one_of(fields: msgspec.Struct, names: Collection[str]) -> tuple[str, msgspec.Raw]:
    """Return the one of these fields that is there. Raises `InvalidTableError` if there are none or more."""
    found = [(name, value) for name in names if (value := getattr(fields, name)) != ABSENT]
    if len(found) != 1:
        both = f"; there are {' and '.join(name for name, _ in found)}" if found else ""
        msg = f"Send a JSON object with one of {', '.join(names)}: a list of phones{both}"
        raise refusal("form_unknown", (), msg)
    return found[0]


def read_object(body: bytes, kind: type[Fields]) -> Fields:
    """Return the fields of a JSON object that `kind` has, unread. Raises `InvalidTableError`."""
    try:
        return msgspec.json.decode(json_text(body), type=kind)
    except msgspec.ValidationError as error:
        names = [name for name in kind.__struct_fields__ if not name.startswith("param")]
        what = f"The body must be a JSON object with one of {', '.join(names)}"
        unknown = _UNKNOWN_FIELD.search(str(error))
        raise refusal("object_expected", (), what + (f"; it has {unknown[1]}" if unknown else "")) from None
    except NotPlainlyValid:
        raise not_json(body) from None


def not_json(body: bytes | memoryview) -> InvalidTableError:
    """Return the refusal of what is not JSON, as frames with gaps are not when Python writes them."""
    if _NO_NUMBER.search(body):
        msg = "NaN and Infinity are not JSON: no specification may be missing, so leave out rows with a gap"
    else:
        msg = "The body is not JSON"
    return refusal("json_invalid", (), msg)
