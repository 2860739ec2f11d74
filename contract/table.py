"""CSV text -> checked rows. Training and serving read tables by the same rules."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contract.errors import InvalidTableError
from contract.violation import Violation, from_pydantic

Row = TypeVar("Row", bound=BaseModel)

REPORTED_VIOLATIONS = 20
"""How many broken rules are told one by one; the rest are counted."""

# float() alone would also take 1_000, ٣, nan and inf
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_table(content: bytes, row_type: type[Row], max_rows: int | None = None) -> list[Row]:
    """Read a CSV with a header; its first line is line 1.

    Columns are found by name, in any order; columns that `row_type` does not have are ignored.
    Raises `InvalidTableError` that names line and column of each broken rule.
    """
    reader = csv.reader(io.StringIO(_decode(content), newline=""), strict=True)
    rows: list[Row] = []
    violations: list[Violation] = []
    total = 0
    try:
        header = _read_header(reader, tuple(row_type.model_fields))
        for number, cells in enumerate(filter(None, reader), start=1):  # blank lines are no rows
            if max_rows is not None and number > max_rows:
                raise _refusal("too_many_rows", (), f"Too many rows: send at most {max_rows} in one table")
            try:
                rows.append(_parse_row(header, cells, row_type, reader.line_num))
            except ValidationError as error:
                total += error.error_count()
                if len(violations) < REPORTED_VIOLATIONS:
                    violations += [_located(item, reader.line_num) for item in from_pydantic(error)]
    except csv.Error as error:
        raise _refusal("csv_invalid", ("line", reader.line_num), f"Line {reader.line_num}: {error}") from None
    if violations:
        raise InvalidTableError(violations[:REPORTED_VIOLATIONS], total)
    if not rows:
        raise _refusal("no_rows", (), "The table has a header but no rows: send at least one")
    return rows


def _refusal(kind: str, loc: tuple[str | int, ...], msg: str) -> InvalidTableError:
    return InvalidTableError([Violation(kind, loc, msg)])


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # spreadsheets put a byte order mark first
    except UnicodeDecodeError as error:
        raise _refusal("not_utf8", (), f"The table is not UTF-8 text: see byte {error.start}") from None


def _read_header(reader: Iterator[list[str]], required: tuple[str, ...]) -> list[str]:
    header = [name.strip() for name in next(reader, [])]
    if not any(header):
        raise _refusal("no_header", ("line", 1), "The table is empty: its first line must name the columns")
    present = Counter(header)
    missing = [name for name in required if name not in present]
    if missing:
        raise InvalidTableError(
            [
                Violation(
                    "missing_column",
                    ("line", 1, name),
                    f"Line 1: no column {name}; the first line must name every column, separated by commas",
                )
                for name in missing
            ]
        )
    for name in required:
        if present[name] > 1:
            raise _refusal("repeated_column", ("line", 1, name), f"Line 1: column {name} is there twice")
    return header


def _parse_row(header: list[str], cells: list[str], row_type: type[Row], line: int) -> Row:
    """Raises pydantic's error where a cell breaks a rule; a row of another length ends the reading."""
    if len(cells) != len(header):
        raise _refusal(
            "cell_count", ("line", line), f"Line {line}: {len(cells)} cells, but the header has {len(header)}"
        )
    named = {
        name: _parse_cell(cell)
        for name, cell in zip(header, cells, strict=True)
        if name in row_type.model_fields and cell.strip()
    }
    return row_type.model_validate(named)


def _parse_cell(cell: str) -> float | str:
    """A number where the cell holds one; other text stays text, for the row's own rules to refuse."""
    stripped = cell.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else stripped


def _located(violation: Violation, line: int) -> Violation:
    """Put the line before the column; a cell that is missing in a row is an empty one."""
    msg = violation.msg.replace("Field required", "The cell is empty")
    column = ".".join(map(str, violation.loc))
    return Violation(violation.type, ("line", line, *violation.loc), f"Line {line}, column {column}: {msg}")
