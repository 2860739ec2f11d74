"""CSV: pyarrow reads what is plainly right; whatever it refuses, the rules of `contract.table` judge."""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from contract.flag import FALSE_TEXTS, TRUE_TEXTS
from contract.phone import FEATURES, FLAGS, SPECIFICATIONS, Phone
from contract.table import (
    CARRIAGE_RETURN,
    NUMBER,
    check_text,
    decode,
    read_header,
    read_lines,
    read_row,
    refusal,
)
from service.tables.kept import Kept
from service.tables.kept.cells import KeptCells
from service.tables.plausible import CAREFUL_ROWS, judged, not_plainly_valid
from service.tables.readers.columns import matrix
from service.tables.readers.quotes import end_of_first_record, end_of_records, is_plain
from service.tables.rows import Rows
from service.tables.width import check_width

PIECE_BYTES = 256 * 1024
"""About 4,000 rows."""

MOST_RECORD_BYTES = 1024 * 1024
"""A record longer than this is an open quote."""

OPEN_OR_LOST = "is a quote left open, or are line ends missing? curl keeps them with --data-binary"

_WHOLE = {name: pa.int32() if spec.whole else pa.float64() for name, spec in SPECIFICATIONS.items()}
_is_number = re.compile(NUMBER).fullmatch
_DECIMAL = {name: pa.float64() for name in FEATURES}  # whole numbers written 842.0, as pandas may
_BOOLEAN = _DECIMAL | dict.fromkeys(FLAGS, pa.bool_())  # flags written True, as pandas may
_TRUE, _FALSE = pa.array(TRUE_TEXTS), pa.array(FALSE_TEXTS)


class CsvReader:
    """Cuts the text into pieces at the ends of records; `header` names the columns of one that does not.

    `first_line` and `first_byte` say where in a table the text begins, for what is told of it.
    """

    def __init__(
        self, keep: bool, header: list[str] | None = None, first_line: int = 1, first_byte: int = 0
    ) -> None:
        self._keep = keep
        self._pending = b""
        self._line = first_line  # of the first record that is pending
        self._byte = first_byte  # the same
        self._header = header
        self._types = [_WHOLE, _DECIMAL, _BOOLEAN]  # what the columns may be, the faster one first

    def feed(self, content: bytes) -> Iterator[Rows]:
        for start in range(0, len(content), PIECE_BYTES):
            self._pending += content[start : start + PIECE_BYTES]
            if len(self._pending) >= PIECE_BYTES:
                if self._header is None:
                    check_text(self._pending)  # in what is packed, no line may end
                end = end_of_records(self._pending)
                if len(self._pending) > MOST_RECORD_BYTES:
                    self._check_length(end)
                piece, self._pending = self._pending[:end], self._pending[end:]
                yield from self._rows(piece)

    def finish(self) -> Iterator[Rows]:
        piece, self._pending = self._pending, b""
        yield from self._rows(piece)
        if self._header is None:
            read_header([], FEATURES)

    def _check_length(self, end: int) -> None:
        """Refuse a first record that is too long: no other can be, as all that are whole are taken away."""
        first = end_of_first_record(self._pending, 0) if end else len(self._pending)
        if first > MOST_RECORD_BYTES:
            _check_carriage_return(self._pending, 0, first, self._line)
            msg = f"Line {self._line}: the record that begins here is longer than 1 MiB: {OPEN_OR_LOST}"
            raise refusal("csv_invalid", ("line", self._line), msg)

    def _rows(self, piece: bytes) -> Iterator[Rows]:
        size = len(piece)
        if not piece.isascii() or self._header is None:
            # refuses what is not UTF-8, takes the byte order mark away
            piece = decode(piece, self._byte).encode()
        if self._header is None:
            piece = self._without_header(piece)
        if piece.strip(b"\r\n"):
            yield from self._quickly(piece) or self._carefully(piece)
        self._line += count(piece, b"\n")
        self._byte += size

    def _without_header(self, piece: bytes) -> bytes:
        start = len(piece) - len(piece.lstrip(b"\r\n"))  # blank lines may come first
        end = end_of_first_record(piece, start)
        if end - start > PIECE_BYTES:
            _check_carriage_return(piece, start, end, self._line + count(piece[:start], b"\n"))
            raise refusal("csv_invalid", (), f"The header is longer than 256 KiB: {OPEN_OR_LOST}")
        if not piece[end:].strip(b"\r\n"):
            _check_line_ends(piece[start:end].decode())
        self._line += count(piece[:start], b"\n")
        for _, cells in read_lines(piece[start:end].decode(), self._line):
            check_width(len(cells))
            self._header = read_header(cells, FEATURES)
        self._line += count(piece[start:end], b"\n")
        return piece[end:]

    def _quickly(self, piece: bytes) -> list[Rows]:
        """Return all rows, if all are plainly valid, else none."""
        if not is_plain(piece):
            # pyarrow takes a quote that stays open, what follows one that closes, and each carriage return
            return []
        # pyarrow takes 0x800 for a whole number, but for no other
        types_left = [_DECIMAL, _BOOLEAN] if b"x" in piece or b"X" in piece else self._types
        for types in types_left:
            try:
                columns, kept = self._parsed(piece, types)
            except pa.ArrowInvalid:
                continue
            if types_left is self._types:
                self._types = types_left[types_left.index(types) :]
            specifications = matrix(columns)
            if not_plainly_valid(specifications):
                return []
            return [Rows(specifications, kept=kept)]
        return []

    def _parsed(self, piece: bytes, types: dict[str, pa.DataType]) -> tuple[pa.RecordBatch, Kept | None]:
        """Return the specifications, and all cells as text if they are kept."""
        if not self._keep:
            return self._parse(piece, types, list(FEATURES)), None
        header = self._names()
        texts = self._parse(piece, {}, header)  # faster than to parse the piece twice
        columns = [_cast(texts.column(name), types[name]) for name in FEATURES]
        specifications = pa.RecordBatch.from_arrays(columns, names=list(FEATURES))
        assert self._header is not None  # noqa: S101 - as above
        return specifications, KeptCells(self._header, texts.columns)

    def _parse(self, piece: bytes, types: dict[str, pa.DataType], columns: list[str]) -> pa.RecordBatch:
        names = self._names()
        table = csv.read_csv(
            pa.BufferReader(piece),
            csv.ReadOptions(use_threads=False, column_names=names, block_size=len(piece) + 1),
            csv.ParseOptions(newlines_in_values=b'"' in piece),
            csv.ConvertOptions(
                column_types={name: types.get(name, pa.string()) for name in names},
                include_columns=columns,
                null_values=[""],
                true_values=[*TRUE_TEXTS, "1"],
                false_values=[*FALSE_TEXTS, "0"],
            ),
        )
        return table.combine_chunks().to_batches()[0]

    def _names(self) -> list[str]:
        """Return the columns' names, those that are no feature by number: they need not differ."""
        assert self._header is not None  # noqa: S101 - the header has come before any row
        return [name if name in SPECIFICATIONS else f"\0{number}" for number, name in enumerate(self._header)]

    def _carefully(self, piece: bytes) -> Iterator[Rows]:
        """Give the rows after a look at each cell, with what is wrong with which."""
        records: list[tuple[int, list[str]]] = []
        for record in read_lines(piece.decode(), self._line):
            records.append(record)
            if len(records) == CAREFUL_ROWS:
                yield self._checked(records)
                records = []
        if records:
            yield self._checked(records)

    def _checked(self, records: list[tuple[int, list[str]]]) -> Rows:
        header = self._header
        assert header is not None  # noqa: S101 - the header has come before any row
        width = len(header)
        missing = [""] * width
        cells = [cells if len(cells) == width else missing for _, cells in records]
        numbers = [_numbers(name, _texts(cells, header.index(name))) for name in FEATURES]
        specifications = np.stack(numbers, axis=1)

        def judge(row: int) -> Phone:
            line, cells = records[row]
            return read_row(header, cells, Phone, line)

        kept = None
        if self._keep:  # of a row with too many or too few cells, those that have a column
            own = [cells if len(cells) >= width else [*cells, *missing] for _, cells in records]
            kept = KeptCells(header, [_texts(own, column) for column in range(width)])
        return judged(specifications, not_plainly_valid(specifications), judge, kept)


def _check_carriage_return(content: bytes, start: int, end: int, line: int) -> None:
    """Refuse a record that is longer than any may be where a carriage return alone ends its first line."""
    line_end = end_of_first_record(content, start, b"\r")
    if line_end < end and content[line_end : line_end + 1] not in b"\r\n":
        line += count(content[start:line_end], b"\n")
        raise refusal("csv_invalid", ("line", line), f"Line {line}{CARRIAGE_RETURN}")


def _check_line_ends(text: str) -> None:
    """Refuse names and values on one line: `curl -d @table.csv` takes the line ends away."""
    cells = [cell.strip() for cell in text.replace('"', "").split(",")]
    names = len(SPECIFICATIONS.keys() & set(cells))
    numbers = sum(1 for cell in cells if _is_number(cell))
    # the last name and the first value stand together
    if min(names, numbers) >= len(FEATURES) - 1 and "\r" not in text.strip():
        msg = "Names and values stand on one line, so line ends are missing: use --data-binary with curl"
        raise refusal("csv_invalid", ("line", 1), msg)


def _texts(cells: list[list[str]], column: int) -> pa.StringArray:
    return pa.array([row[column] for row in cells], pa.string())


def _cast(cells: pa.StringArray, kind: pa.DataType) -> pa.Array:
    """Return the numbers in the cells, which may have blanks around them."""
    if pa.types.is_boolean(kind):
        return _with_digits(cells).cast(pa.float64())
    try:
        return cells.cast(kind)
    except pa.ArrowInvalid:
        return pc.utf8_trim_whitespace(cells).cast(kind)


def _with_digits(cells: pa.StringArray) -> pa.StringArray:
    """Return the cells of a flag with 1 for true and 0 for false, and without blanks around them."""
    trimmed = pc.utf8_trim_whitespace(cells)
    is_true, is_false = pc.is_in(trimmed, _TRUE), pc.is_in(trimmed, _FALSE)
    return pc.if_else(is_true, "1", pc.if_else(is_false, "0", trimmed))


def _numbers(name: str, cells: pa.Array) -> NDArray[np.float64]:
    """Return the numbers that the cells of a column hold, not a number where they hold none."""
    trimmed = _with_digits(cells) if name in FLAGS else pc.utf8_trim_whitespace(cells)
    number = pc.if_else(pc.match_substring_regex(trimmed, f"^{NUMBER}$"), trimmed, None)
    return np.asarray(number.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def header_of(content: bytes) -> list[str] | None:
    """Return the names of the columns, if the text has come so far. Raises `InvalidTableError`."""
    reader = CsvReader(keep=False)
    reader._without_header(decode(content).encode())
    return reader._header


def count(content: bytes, character: bytes) -> int:
    """Count a character, as bytes.count does in ten times the time where there are many."""
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == character[0]))
