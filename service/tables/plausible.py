"""The rules of `Phone` on matrices: which rows are plainly valid, and what is wrong with the others."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from contract.errors import InvalidTableError
from contract.phone import FEATURES, SPECIFICATIONS, Phone, Specifications, to_specifications
from contract.violation import Finding, Location, MissingFields, Violation, Violations, from_detail
from service.tables.kept import Kept
from service.tables.rows import Broken, Rows
from service.valid_phone import ValidPart, missing_fields

CAREFUL_ROWS = 250
"""Rows at a time where each may need a second look: 20 milliseconds."""

_LOW = np.array([spec.low for spec in SPECIFICATIONS.values()])
_HIGH = np.array([spec.high for spec in SPECIFICATIONS.values()])
_DECIMAL = np.array([not spec.whole for spec in SPECIFICATIONS.values()])


def _inside(bounds: NDArray[np.float64], inwards: float) -> NDArray[np.float32]:
    """Return the float32 next to each bound, on its inner side where none is equal."""
    nearest = bounds.astype(np.float32)
    beyond = (nearest > bounds) if inwards < 0 else (nearest < bounds)
    return np.where(beyond, np.nextafter(nearest, np.float32(inwards)), nearest)


_BOUNDS = {"d": (_LOW, _HIGH), "f": (_inside(_LOW, np.inf), _inside(_HIGH, -np.inf))}


def not_plainly_valid(specifications: Specifications) -> list[int]:
    """Return the rows of (N, 20) that break a bound, are no whole number where one is due, or not finite."""
    low, high = _BOUNDS[specifications.dtype.char]
    whole = np.trunc(specifications) == specifications
    if len(specifications):  # nearly always a few numbers of each feature tell that all rows are valid
        smallest, largest = specifications.min(axis=0), specifications.max(axis=0)
        if ((smallest >= low) & (largest <= high) & (whole.all(axis=0) | _DECIMAL)).all():
            return []
    valid = (whole | _DECIMAL) & (specifications >= low) & (specifications <= high)  # not a number is neither
    return np.flatnonzero(~valid.all(axis=1)).tolist()


def checked(specifications: Specifications, rows_before: int, kept: Kept | None = None) -> Iterator[Rows]:
    """Give a piece of a table whole if all its rows are plainly valid, else with a closer look at a few."""
    if not not_plainly_valid(specifications):
        yield Rows(specifications, kept=kept)
        return
    for start in range(0, len(specifications), CAREFUL_ROWS):
        part = specifications[start : start + CAREFUL_ROWS].copy()  # which may be changed
        own = None if kept is None else kept.slice(start, CAREFUL_ROWS)
        yield judged(part, not_plainly_valid(part), judge_of(part, rows_before + start), own)


def judged(
    specifications: Specifications,
    doubtful: Iterable[int],
    judge: Callable[[int], Phone],
    kept: Kept | None = None,
) -> Rows:
    """Return the rows, after `judge` has had the last word on each doubtful one.

    It returns the phone of a row, as `Phone` is more lenient in rare cases, or raises `InvalidTableError`.
    """
    broken: Broken = {}
    for row in doubtful:
        try:
            specifications[row] = to_specifications([judge(row)])
        except InvalidTableError as error:
            broken[row] = error.violations
    sound = np.delete(specifications, list(broken), axis=0) if broken else specifications
    return Rows(sound, broken, kept)


def judge_of(table: Specifications, first_row: int) -> Callable[[int], Phone]:
    """Judge rows of a matrix; `first_row` is the number of rows before it."""

    def judge(row: int) -> Phone:
        values = zip(FEATURES, table[row].tolist(), strict=True)
        present = {name: value for name, value in values if value == value}  # not NaN
        finding: Finding
        if missing := missing_fields(lambda: msgspec.convert(present, ValidPart)):
            finding = MissingFields(missing)
        else:
            try:
                return Phone.model_validate(present)
            except ValidationError as error:
                finding = error
        within = ("row", first_row + row)
        raise InvalidTableError(Violations(finding, lambda item: _located(from_detail(item), within)))

    return judge


def _located(violation: Violation, within: Location) -> Violation:
    """Put the row before the column; rows count from 0, as in every data frame."""
    msg = violation.msg.replace("Field required", "The value is missing")
    column = ".".join(map(str, violation.loc))
    where = f"Row {within[-1]} (counted from 0), column {column}: "
    return Violation(violation.type, within + violation.loc, where + msg)
