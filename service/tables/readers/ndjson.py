"""NDJSON: one phone to a line, other fields beside its 20 ignored or kept."""

import json
from collections.abc import Iterator

import msgspec
import pyarrow as pa

from contract.errors import InvalidTableError
from contract.table import refusal
from service.tables.readers.columns import check_width
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
        lines = [(number, line) for number, line in enumerate(piece.split(b"\n"), self._line) if line.strip()]
        if lines:
            yield from self._quickly(lines) or self._carefully(lines)
        self._line += piece.count(b"\n")

    def _quickly(self, lines: list[tuple[int, bytes]]) -> list[Rows]:
        """Return all rows, if all are plainly valid, else none.

        Each line is decoded alone: msgspec's decode_lines takes two phones on a line, and one on two.
        """
        try:
            packed = [pack(*values(_decode_line(line))) for _, line in lines]
        except NotPlainlyValid:
            return []
        return [Rows(to_rows(packed), kept=self._kept(lines))]

    def _carefully(self, lines: list[tuple[int, bytes]]) -> Iterator[Rows]:
        """Give the rows after a look at each line, with what is wrong with which."""
        for start in range(0, len(lines), CAREFUL_LINES):
            yield self._looked_at(lines[start : start + CAREFUL_LINES])

    def _looked_at(self, lines: list[tuple[int, bytes]]) -> Rows:
        broken: Broken = {}
        packed = []
        for index, (number, line) in enumerate(lines):
            try:
                packed.append(pack(*values(_decode_line(line))))
            except NotPlainlyValid:
                try:
                    packed.append(pack(*dict(judged_row(line, number)).values()))
                except InvalidTableError as error:
                    broken[index] = error.violations
        return Rows(to_rows(packed), broken, self._kept(lines))

    def _kept(self, lines: list[tuple[int, bytes]]) -> pa.RecordBatch | None:
        """Return the objects as columns, null where a line has no such field or is no object."""
        if not self._keep:
            return None
        objects = [_object(line) for _, line in lines]
        names = {name: None for each in objects for name in each}
        check_width(len(names))
        columns = [_column([each.get(name) for each in objects]) for name in names]
        return pa.RecordBatch.from_arrays(columns, names=list(names))


def _object(line: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(line)
    except NotPlainlyValid:
        return {}
    return found if isinstance(found, dict) else {}


def _column(values: list[object]) -> pa.Array:
    """Return the values in the type that they have in common; as JSON text, if they have none."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else json.dumps(value) for value in values])
