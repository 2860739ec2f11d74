"""The messages of an Arrow IPC stream that is still coming.

The framing is that of Arrow's columnar format, under Serialization and Interprocess Communication.
"""

from struct import unpack_from

from contract.errors import InvalidTableError
from contract.table import refusal
from service.tables.readers.arrow_header import RECORD_BATCH, Header

MOST_BYTES = 64 * 2**20
"""A record batch is held whole, as it comes and unpacked; one of this size has 400,000 phones and more."""

_FRAMING = 8
"""Bytes before a message: a marker and the size of its metadata."""

_FILE_MAGIC = b"ARROW1\0\0"
_CONTINUATION = 0xFFFFFFFF


class Messages:
    """A file to pyarrow, from which it reads the messages that have come whole."""

    closed = False

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._whole = 0  # so many of the bytes are whole messages
        self._needed = _FRAMING  # so many must follow them before there is one more
        self._others = 0  # unpacked size of what has no rows: schema and dictionaries, which pyarrow keeps
        self._begun = False
        self._ended = False

    def add(self, content: bytes) -> None:
        """Take what has come."""
        if self._ended:  # of a file its directory is left, which is not needed
            return
        self._bytes += content
        if not self._begun and self._bytes.startswith(_FILE_MAGIC):
            del self._bytes[: len(_FILE_MAGIC)]

    def next_whole(self) -> int | None:
        """Return the type of the next message if it has come whole, and let it be read.

        Raises `InvalidTableError` for what is no message, or too large a one.
        """
        if self._ended or len(self._bytes) < self._whole + self._needed:
            return None
        marker, metadata_size = unpack_from("<Ii", self._bytes, self._whole)
        if marker != _CONTINUATION or not 0 <= metadata_size <= MOST_BYTES:
            raise not_arrow("a message does not begin as one")
        self._begun = True
        if metadata_size == 0:
            self._ended = True
            return None
        self._needed = _FRAMING + metadata_size
        if len(self._bytes) < self._whole + self._needed:
            return None
        header = self._header()
        self._needed += header.body_size
        _check_size(self._needed)
        if len(self._bytes) < self._whole + self._needed:
            return None
        unpacked = self._unpacked(header)
        _check_size(unpacked)
        if header.kind != RECORD_BATCH:
            self._keep(max(self._needed, unpacked))
        self._whole += self._needed
        self._needed = _FRAMING
        return header.kind

    def check_ended(self) -> None:
        """Raise `InvalidTableError` if it breaks off; a stream may lack the mark of its end."""
        if not self._begun or (len(self._bytes) > self._whole and not self._ended):
            raise not_arrow("it ends in the middle")

    def read(self, size: int) -> bytes:
        """Give bytes of whole messages."""
        size = min(size, self._whole)
        content = bytes(memoryview(self._bytes)[:size])
        del self._bytes[:size]
        self._whole -= size
        return content

    def _keep(self, size: int) -> None:
        self._others += size
        if self._others > MOST_BYTES:
            raise refusal("dictionaries_too_large", (), "The dictionaries are too large; send plain columns")

    def _header(self) -> Header:
        """Return what the metadata behind the whole messages says."""
        try:
            header = Header(self._bytes, self._whole + _FRAMING)
        except Exception:  # noqa: BLE001 - whatever these bytes are
            raise not_arrow("a message cannot be read") from None
        if header.body_size < 0:
            raise not_arrow("a message has a negative length")
        return header

    def _unpacked(self, header: Header) -> int:
        """Return the size of the body when its compressed buffers are unpacked: each begins with its own."""
        body = self._whole + self._needed - header.body_size
        try:
            return sum(
                max(unpack_from("<q", self._bytes, body + offset)[0], size)
                for offset, size in header.compressed_buffers()
                if size
            )
        except Exception:  # noqa: BLE001 - whatever these bytes are
            raise not_arrow("a message cannot be read") from None


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        limit = MOST_BYTES // 2**20
        raise refusal("record_batch_too_large", (), f"A record batch is over {limit} MiB; write smaller ones")


def not_arrow(why: str) -> InvalidTableError:
    """Return the refusal of bytes that are no Arrow IPC stream."""
    return refusal("arrow_invalid", (), f"The body is not an Arrow IPC stream: {why.splitlines()[0]}")
