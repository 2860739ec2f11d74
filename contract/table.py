"""CSV text -> checked rows. Training and serving read tables by the same rules."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contract.errors import InvalidTableError, NoRowsError
from contract.first_bytes import what_it_is
from contract.flag import flag_number_of_text
from contract.phone import FLAGS
from contract.violation import Location, Violation, Violations, from_detail

Row = TypeVar("Row", bound=BaseModel)

REPORTED_VIOLATIONS = 20
"""How many broken rules are told one by one; the rest are counted."""

NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""A number as a cell may hold it: float() alone would also take 1_000, ٣, nan and inf.

Each character can be taken in one way only: else a megabyte of digits would be tried in a trillion ways.
"""

_NUMBER = re.compile(NUMBER)

MOST_NAMES, LONGEST_NAME = 64, 32
"""Of columns that are looked at for misspelt names."""

CARRIAGE_RETURN = " ends in a carriage return alone: end all lines with a line feed"

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_table(content: bytes, row_type: type[Row]) -> list[Row]:
    """Read a CSV with a header; its first line is line 1.

    Columns are found by name, in any order; columns that `row_type` does not have are ignored.
    Raises `InvalidTableError`, in which a rule that is broken in many lines stands once, with their number.
    """
    lines = read_lines(decode(content))
    header = read_header(next(lines, (1, []))[1], tuple(row_type.model_fields))
    rows: list[Row] = []
    first: dict[tuple[str | int, ...], Violation] = {}
    often: Counter[tuple[str | int, ...]] = Counter()
    for line, cells in lines:
        try:
            rows.append(read_row(header, cells, row_type, line))
        except InvalidTableError as error:
            for violation in error.violations:
                kind = (violation.type, *violation.loc[2:])
                first.setdefault(kind, violation)
                often[kind] += 1
    if first:
        told = [_with_count(violation, often[kind]) for kind, violation in first.items()]
        raise InvalidTableError(told[:REPORTED_VIOLATIONS], often.total())
    if not rows:
        raise no_rows()
    return rows


def _with_count(violation: Violation, often: int) -> Violation:
    more = f" (and so in {often - 1} more {'line' if often == 2 else 'lines'})" if often > 1 else ""
    return replace(violation, msg=f"{violation.msg}{more}")


def refusal(kind: str, loc: Location, msg: str) -> InvalidTableError:
    """The error of one broken rule."""
    return InvalidTableError([Violation(kind, loc, msg)])


def no_rows() -> NoRowsError:
    """The error of a table that is empty but for its header."""
    return NoRowsError([Violation("no_rows", (), "The table has no rows: send at least one")])


def decode(content: bytes, first_byte: int = 0) -> str:
    """Return the text, without the byte order mark that spreadsheets put first."""
    if not first_byte:
        check_text(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = first_byte + error.start
        raise refusal(
            "not_utf8", (), f"The table is not UTF-8 text: see byte {at}, and save it as UTF-8"
        ) from None


def check_text(content: bytes) -> None:
    """Raise `InvalidTableError` if a table begins as something else than text in UTF-8 does."""
    if other := what_it_is(content):
        what, remedy = other
        raise refusal("not_utf8", (), f"The table is {what}, not CSV in UTF-8: {remedy}")


def read_lines(text: str, first_line: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Give the number of each record's last line, and its cells; blank lines are no records.

    A carriage return ends no line unless a line feed follows; within quotes it is a character.
    """
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    line = first_line - 1
    try:
        for cells in reader:
            line = first_line - 1 + reader.line_num
            if cells:
                yield line, cells
    except csv.Error as error:
        line += 1  # where the record begins
        raise refusal("csv_invalid", ("line", line), f"Line {line}{_said(str(error))}") from None


def _said(error: str) -> str:
    """What `csv.reader` says of a line, with what to do."""
    if error.startswith("new-line character seen"):
        return CARRIAGE_RETURN
    if error.startswith("field larger"):
        return ": a cell of this record is longer than 131,072 characters: shorten it, or close its quote"
    if error == "unexpected end of data":
        return ": the record that begins here has a quote that is never closed"
    return f": {error}; double the quotes within a cell, and send CSV, not JSON"


def read_header(cells: list[str], required: tuple[str, ...]) -> list[str]:
    """Return the names of the columns. Raises `InvalidTableError` unless each required one is there once."""
    header = [name.strip() for name in cells]
    if not any(header):
        raise refusal("no_header", ("line", 1), "The table is empty: its first line must name the columns")
    present = Counter(header)
    if missing := [name for name in required if name not in present]:
        raise _missing(header, missing, required)
    for name in required:
        if present[name] > 1:
            raise refusal("repeated_column", ("line", 1, name), f"Line 1: column {name} is there twice")
    return header


def _missing(header: list[str], missing: list[str], required: Sequence[str]) -> InvalidTableError:
    """One error for all columns that are missing, and its likely cause."""
    line = ",".join(header)
    for separator, name in _OTHER_SEPARATORS.items():
        if len(header) < len(required) <= len(line.split(separator)):
            msg = f"Line 1: the cells are separated by {name}; separate them by commas"
            return refusal("missing_column", ("line", 1), msg)
    meant = _meant(header, missing, required)
    count = f" ({len(missing)} are missing)" if len(missing) > 1 else ""
    hints = "".join(f"; column {number} is almost {name}: rename it" for name, number in meant.items())
    rule = "" if meant else "; the first line must name every column, separated by commas"
    loc: Location = ("line", 1, *missing) if len(missing) == 1 else ("line", 1)
    return refusal("missing_column", loc, f"Line 1: no column {', '.join(missing)}{count}{hints}{rule}")


def _meant(header: list[str], missing: list[str], required: Sequence[str]) -> dict[str, int]:
    """Return which column, counted from 1, may be which of the missing ones."""
    others = {
        re.sub("[ -]", "_", name[:LONGEST_NAME].lower()): number
        for number, name in enumerate(header[:MOST_NAMES], start=1)
        if name not in required
    }
    close = {name: get_close_matches(name, others, n=1, cutoff=0.8) for name in missing}
    return {name: others[found[0]] for name, found in close.items() if found}


def read_row(header: list[str], cells: list[str], row_type: type[Row], line: int) -> Row:
    """Return the checked row. Raises `InvalidTableError` that names line and column of each broken rule."""
    if not any(map(str.strip, cells)):
        msg = f"Line {line}: there are commas and no values: remove the line"
        raise refusal("empty_row", ("line", line), msg)
    if len(cells) != len(header):
        raise refusal(
            "cell_count",
            ("line", line),
            f"Line {line}: {len(cells)} cells, but there are {len(header)} columns",
        )
    named = {
        name: _parse_cell(name, cell)
        for name, cell in zip(header, cells, strict=True)
        if name in row_type.model_fields and cell.strip()
    }
    try:
        return row_type.model_validate(named)
    except ValidationError as error:
        found = Violations(error, lambda item: _located(from_detail(item), line))
        raise InvalidTableError(found) from None


def _parse_cell(name: str, cell: str) -> float | str:
    """A number where the cell holds one; other text stays text, for the row's own rules to refuse."""
    stripped = cell.strip()
    if _NUMBER.fullmatch(stripped):
        return float(stripped)
    flag = flag_number_of_text(stripped) if name in FLAGS else None
    return stripped if flag is None else flag


def _located(violation: Violation, line: int) -> Violation:
    """Put the line before the column; a cell that is missing in a row is an empty one."""
    msg = violation.msg.replace("Field required", "The cell is empty")
    column = ".".join(map(str, violation.loc))
    return Violation(violation.type, ("line", line, *violation.loc), f"Line {line}, column {column}: {msg}")
