"""What the metadata of an Arrow message says, as far as it must be known before pyarrow reads the message.

Field numbers are those of Message.fbs and Schema.fbs in Arrow's format; how fields are found is that of
FlatBuffers, under Internals.
"""

from collections.abc import Iterator
from struct import unpack_from

DICTIONARY_BATCH = 2

RECORD_BATCH = 3

MOST_BUFFERS = 50_000
"""Of a batch; to look at so many takes 20 milliseconds."""


class Header:
    """A Message; of bytes that are none it raises whatever reading them does."""

    def __init__(self, content: bytes | bytearray, start: int) -> None:
        self._content = content
        self._message = self._indirect(start)
        self.kind = content[self._field(self._message, 1)]
        size_at = self._field(self._message, 3)
        self.body_size: int = unpack_from("<q", content, size_at)[0] if size_at else 0

    def compressed_buffers(self) -> Iterator[tuple[int, int]]:
        """Give place in the body and size of each buffer, if they are compressed."""
        if self.kind not in (DICTIONARY_BATCH, RECORD_BATCH):
            return
        batch = self._indirect(self._field(self._message, 2))
        if self.kind == DICTIONARY_BATCH:  # its data is a record batch
            batch = self._indirect(self._field(batch, 1))
        if not self._field(batch, 3):
            return
        buffers = self._indirect(self._field(batch, 2))
        (count,) = unpack_from("<I", self._content, buffers)
        if count > MOST_BUFFERS:
            raise ValueError
        for number in range(count):
            offset, size = unpack_from("<qq", self._content, buffers + 4 + 16 * number)
            yield offset, size

    def _indirect(self, at: int) -> int:
        return at + int(unpack_from("<I", self._content, at)[0])

    def _field(self, table: int, index: int) -> int:
        """Return where a field of a table lies; 0 if it is not there."""
        vtable = table - unpack_from("<i", self._content, table)[0]
        size = unpack_from("<H", self._content, vtable)[0]
        offset = unpack_from("<H", self._content, vtable + 4 + 2 * index)[0] if 4 + 2 * index < size else 0
        return table + offset if offset else 0
