"""Arrow's IPC stream, message by message; of a file of that format, the stream within."""

from collections.abc import Iterator
from struct import unpack_from

import pyarrow as pa

from contract.errors import InvalidTableError
from contract.table import refusal
from service.tables.readers.columns import judge_of, judged, matrix, not_plainly_valid
from service.tables.rows import PIECE_ROWS, Rows

MOST_MESSAGE_BYTES = 64 * 2**20
"""A record batch is held whole; this one holds 400,000 phones and more."""

FILE_MAGIC = b"ARROW1\0\0"
CONTINUATION = 0xFFFFFFFF

RECORD_BATCH = 3


class ArrowReader:
    """Cuts the stream into messages and reads each record batch as soon as it has come.

    The framing and the two fields of a message that are read here are those of Arrow's columnar format, under
    Serialization and Interprocess Communication.
    """

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._pending = bytearray()
        self._needed = 8
        self._preamble = b""  # schema and dictionaries: what a record batch is read with
        self._ended = False
        self._rows_before = 0

    def feed(self, content: bytes) -> Iterator[Rows]:
        if self._ended:  # of a file its directory is left, which is not needed
            return
        self._pending += content
        if not self._preamble and self._pending.startswith(FILE_MAGIC):
            del self._pending[: len(FILE_MAGIC)]
        while not self._ended and len(self._pending) >= self._needed:
            message = self._next_message()
            if message:
                yield from self._rows(message)

    def finish(self) -> Iterator[Rows]:
        if not self._preamble or (self._pending and not self._ended):
            raise _not_arrow("it ends in the middle")
        return iter(())

    def _next_message(self) -> bytes:
        """Return a message that has come whole, and take it away; else say how many bytes it needs."""
        marker, metadata_size = unpack_from("<Ii", self._pending)
        if marker != CONTINUATION or not 0 <= metadata_size <= MOST_MESSAGE_BYTES:
            raise _not_arrow("a message does not begin as one")
        if metadata_size == 0:
            self._ended = True
            return b""
        if len(self._pending) < 8 + metadata_size:
            self._needed = 8 + metadata_size
            return b""
        size = 8 + metadata_size + _body_length(self._pending)
        if size > MOST_MESSAGE_BYTES:
            limit = MOST_MESSAGE_BYTES // 2**20
            raise refusal(
                "record_batch_too_large", (), f"A record batch is over {limit} MiB; write smaller ones"
            )
        if len(self._pending) < size:
            self._needed = size
            return b""
        message = bytes(self._pending[:size])
        del self._pending[:size]
        self._needed = 8
        return message

    def _rows(self, message: bytes) -> Iterator[Rows]:
        if _header_type(message) != RECORD_BATCH:
            self._preamble += message
            if len(self._preamble) > MOST_MESSAGE_BYTES:
                raise refusal(
                    "dictionaries_too_large", (), "The dictionaries are too large; send plain columns"
                )
            return
        try:
            with pa.ipc.open_stream(pa.BufferReader(self._preamble + message)) as stream:
                columns = stream.read_next_batch()
                columns.validate(full=True)
        except (pa.ArrowException, OSError, ValueError, StopIteration) as error:
            raise _not_arrow(str(error)) from None
        yield from rows_of(columns, self._rows_before, self._keep)
        self._rows_before += columns.num_rows


def rows_of(columns: pa.RecordBatch, rows_before: int, keep: bool) -> Iterator[Rows]:
    """Give the rows of a record batch a piece at a time."""
    for start in range(0, columns.num_rows, PIECE_ROWS):
        piece = columns.slice(start, PIECE_ROWS)
        specifications = matrix(piece)
        judge = judge_of(specifications, rows_before + start)
        kept = piece if keep else None
        yield judged(specifications, not_plainly_valid(specifications), judge, kept)


def _header_type(message: bytes | bytearray) -> int:
    return int(message[_field(message, 1)])


def _body_length(message: bytes | bytearray) -> int:
    at = _field(message, 3)
    length: int = unpack_from("<q", message, at)[0] if at else 0
    if length < 0:
        raise _not_arrow("a message has a negative length")
    return length


def _field(message: bytes | bytearray, index: int) -> int:
    """Return where field `index` of the flatbuffer behind 8 bytes of framing lies; 0 if it is not there."""
    try:
        table = 8 + unpack_from("<I", message, 8)[0]
        vtable = table - unpack_from("<i", message, table)[0]
        size = unpack_from("<H", message, vtable)[0]
        offset = unpack_from("<H", message, vtable + 4 + 2 * index)[0] if 4 + 2 * index < size else 0
    except Exception:  # noqa: BLE001 - whatever these bytes are
        raise _not_arrow("a message cannot be read") from None
    return table + offset if offset else 0


def _not_arrow(why: str) -> InvalidTableError:
    return refusal("arrow_invalid", (), f"The body is not an Arrow IPC stream: {why.splitlines()[0]}")
