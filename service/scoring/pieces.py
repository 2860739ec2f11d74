"""Files of tables cut into pieces, of which each can be read by itself, wherever there is time for it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from contract.errors import InvalidTableError
from service.media_type import CSV, NDJSON, PARQUET
from service.tables.readers import Reader

CUTTABLE = (CSV, NDJSON, PARQUET)
"""The kinds of which a piece can be read without what comes before it."""

PIECE_BYTES = 16 * 2**20
"""Of text: about 250,000 rows of CSV, which take a good second."""

PIECE_ROWS = 256 * 1024
"""Of Parquet, unless a single row group has more."""

LONGEST_BYTES = 2 * 2**20
"""A record longer than this is one that no reader takes."""


class Piece(NamedTuple):
    """A piece of a file, in the order of its rows: the bytes from `start` to `end`, or some row groups.

    A file that cannot be cut is one piece, so that whoever reads it says what is wrong with it.
    """

    path: Path
    kind: str
    file: int
    """The file's number among all."""
    number: int = 0
    """The piece's number in the file."""
    is_last: bool = True
    start: int = 0
    end: int = 0
    before: int = 0
    """Lines that come before it in the file, of Parquet rows."""
    header: list[str] | None = None
    """The columns of CSV, unless its first line is still to come."""
    row_groups: list[int] | None = None
    """None are all."""

    def reader(self, keep: bool, file: BinaryIO) -> Reader:
        """Return what reads it out of its file, and numbers lines, bytes and rows as in all of the file."""
        # imported where it is asked for, as all readers are
        if self.kind == CSV:
            from service.tables.readers.csv import CsvReader

            return CsvReader(keep, self.header, self.before + 1, self.start)
        if self.kind == NDJSON:
            from service.tables.readers.ndjson import NdjsonReader

            return NdjsonReader(keep, self.before + 1)
        from service.tables.readers.parquet import ParquetReader

        return ParquetReader(keep, file, self.row_groups, self.before)


def cut(path: Path, kind: str, file: int, size: int = PIECE_BYTES, rows: int = PIECE_ROWS) -> Iterator[Piece]:
    """Give the pieces of a file, always the same: about `size` bytes of text or `rows` rows of Parquet."""
    whole = Piece(path, kind, file)
    try:
        content = path.open("rb")
    except OSError:
        yield whole
        return
    with content:
        yield from _row_groups(whole, content, rows) if kind == PARQUET else _texts(whole, content, size)


def _row_groups(whole: Piece, content: BinaryIO, rows: int) -> Iterator[Piece]:
    import pyarrow as pa
    from pyarrow import parquet

    total = os.fstat(content.fileno()).st_size
    try:
        metadata = parquet.read_metadata(content)
    except (pa.ArrowException, OSError, ValueError):
        yield whole._replace(end=total)
        return
    groups: list[int] = []
    piece = whole._replace(row_groups=groups)
    count = 0
    for group in range(metadata.num_row_groups):
        if count >= rows:
            end = total * group // metadata.num_row_groups  # about
            yield piece._replace(is_last=False, end=end)
            before, groups = piece.before + count, []
            piece = piece._replace(number=piece.number + 1, start=end, before=before, row_groups=groups)
            count = 0
        groups.append(group)
        count += metadata.row_group(group).num_rows
    yield piece._replace(end=total)


def _texts(whole: Piece, content: BinaryIO, size: int) -> Iterator[Piece]:
    from service.tables.readers.csv import count
    from service.tables.readers.quotes import end_of_records

    end_of = end_of_records if whole.kind == CSV else _end_of_lines
    total = os.fstat(content.fileno()).st_size
    piece = whole
    while True:
        text = _records(content, piece.start, total, size, end_of)
        end = piece.start + len(text)
        header = (piece.header or _header(text)) if whole.kind == CSV else None
        if not text or end == total or (whole.kind == CSV and not header):
            yield piece._replace(end=total)
            return
        yield piece._replace(is_last=False, end=end)
        before = piece.before + count(text, b"\n")
        piece = piece._replace(number=piece.number + 1, start=end, before=before, header=header)


def _records(content: BinaryIO, start: int, total: int, size: int, end_of: Callable[[bytes], int]) -> bytes:
    """Return whole records of about so many bytes, or the rest; nothing where one is too long to be read."""
    content.seek(start)
    text = content.read(size)
    while start + len(text) < total:
        if end := end_of(text):
            return text[:end]
        more = content.read(size) if len(text) < LONGEST_BYTES else b""
        if not more:
            return b""
        text += more
    return text


def _header(text: bytes) -> list[str] | None:
    """Return the columns that the first record of CSV names, if there is one that can be read."""
    from service.tables.readers.csv import header_of

    try:
        return header_of(text)
    except InvalidTableError:
        return None


def _end_of_lines(text: bytes) -> int:
    return text.rfind(b"\n") + 1
