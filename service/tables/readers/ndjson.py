"""NDJSON: one phone to a line, other fields beside its 20 ignored or kept."""

from collections.abc import Iterator

import msgspec

from contract.errors import InvalidTableError
from contract.table import refusal
from contract.violation import Violation
from service.json_text import json_text
from service.tables.kept.fields import KeptFields, read_fields
from service.tables.readers.judge import judged_row
from service.tables.rows import Broken, Rows
from service.valid_phone import NotPlainlyValid, ValidRow, pack, to_rows, values

PIECE_BYTES = 128 * 1024
"""About five hundred phones."""

CAREFUL_LINES = 200
"""Lines at a time where each needs a second look."""

MOST_LINE_BYTES = 1024 * 1024

_decode_line = msgspec.json.Decoder(ValidRow).decode


class NdjsonReader:
    """Cuts the text into pieces at line ends; `first_line` is the number of its first."""

    def __init__(self, keep: bool, first_line: int = 1) -> None:
        self._keep = keep
        self._pending = b""
        self._line = first_line  # of the first one that is pending

    def feed(self, content: bytes) -> Iterator[Rows]:
        for start in range(0, len(content), PIECE_BYTES):
            self._pending += content[start : start + PIECE_BYTES]
            if len(self._pending) < PIECE_BYTES:
                continue
            if end := self._pending.rfind(b"\n") + 1:
                piece, self._pending = self._pending[:end], self._pending[end:]
                yield from self._rows(piece)
            elif len(self._pending) > MOST_LINE_BYTES:
                msg = f"Line {self._line} is longer than 1 MiB; end each phone with a line feed"
                raise refusal("line_too_long", ("line", self._line), msg)

    def finish(self) -> Iterator[Rows]:
        piece, self._pending = self._pending, b""
        yield from self._rows(piece)

    def _rows(self, piece: bytes) -> Iterator[Rows]:
        if self._line == 1:
            piece = json_text(piece)
        lines = [(number, line) for number, line in enumerate(piece.split(b"\n"), self._line) if line.strip()]
        if lines:
            kept, unreadable = read_fields(lines) if self._keep else (None, {})
            all_valid = [] if unreadable else self._quickly(lines, kept)
            yield from all_valid or _carefully(lines, kept, unreadable)
        self._line += piece.count(b"\n")

    def _quickly(self, lines: list[tuple[int, bytes]], kept: KeptFields | None) -> list[Rows]:
        """Return all rows, if all are plainly valid, else none.

        Each line is decoded alone: msgspec's decode_lines takes two phones on a line, and one on two.
        """
        try:
            packed = [pack(*values(_decode_line(line))) for _, line in lines]
        except NotPlainlyValid:
            return []
        return [Rows(to_rows(packed), kept=kept)]


def _carefully(
    lines: list[tuple[int, bytes]], kept: KeptFields | None, unreadable: dict[int, Violation]
) -> Iterator[Rows]:
    """Give the rows after a look at each line, with what is wrong with which."""
    for start in range(0, len(lines), CAREFUL_LINES):
        part = lines[start : start + CAREFUL_LINES]
        broken: Broken = {}
        packed = []
        for index, (number, line) in enumerate(part):
            try:
                row = _looked_at(line, number)
                if start + index in unreadable:
                    raise InvalidTableError([unreadable[start + index]])
                packed.append(row)
            except InvalidTableError as error:
                broken[index] = error.violations
        yield Rows(to_rows(packed), broken, None if kept is None else kept.slice(start, CAREFUL_LINES))


def _looked_at(line: bytes, number: int) -> bytes:
    """Return the phone of a line, packed. Raises `InvalidTableError`."""
    try:
        return pack(*values(_decode_line(line)))
    except NotPlainlyValid:
        return pack(*dict(judged_row(line, number)).values())
