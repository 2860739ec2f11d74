"""What holds an answer until the client reads it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from io import FileIO
from shutil import disk_usage
from tempfile import TemporaryFile, gettempdir
from types import TracebackType
from typing import Self

MEMORY_BYTES = 8 * 2**20
"""What is held in memory; more lies in a temporary file."""

CHUNK_BYTES = 256 * 1024


class NoRoomError(Exception):
    """What is to be held cannot be written; the text tells an operator where, and how much is free."""


class Spool:
    """Bytes, read in the order in which they were written while writing goes on.

    Most clients send all before they read, so that a server which waits for them to read would wait for ever.
    """

    def __init__(self) -> None:
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._file: FileIO | None = None  # what comes after what is held
        self._written = 0
        self._read = 0
        self._ended = False
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        """Return how many bytes are still to be read."""
        return self._held_bytes + self._written - self._read

    def write(self, content: bytes) -> None:
        """Add to the end. Raises `NoRoomError`, as when the disk is full."""
        if not content:  # an answer begins with its first bytes, and may be a refusal until then
            return
        if self._written == 0 and self._held_bytes + len(content) <= MEMORY_BYTES:
            self._held.append(content)
            self._held_bytes += len(content)
        else:
            try:
                self._write_to_file(content)
            except OSError as error:
                raise NoRoomError(f"{error.strerror or error}: {_free()}") from error
        self._changed.set()

    def _write_to_file(self, content: bytes) -> None:
        if self._file is None:
            # without a buffer, which would tell of a full disk when something else is done
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed by __exit__
        self._file.seek(self._written)
        rest = memoryview(content)
        while rest:
            written = self._file.write(rest)
            self._written += written
            rest = rest[written:]

    def drop(self) -> None:
        """Forget what has not been read, and end."""
        self._held.clear()
        self._held_bytes = self._written = self._read = 0
        self.end()

    def end(self) -> None:
        """Say that nothing more comes."""
        self._ended = True
        self._changed.set()

    async def contents(self) -> AsyncIterator[bytes]:
        """Give all that is written, until its end."""
        while True:
            if self._held:
                content = self._held.popleft()
                self._held_bytes -= len(content)
                yield content
            elif self._file is not None and self._read < self._written:
                yield self._next_of(self._file)
            elif self._ended:
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def _next_of(self, file: FileIO) -> bytes:
        file.seek(self._read)
        content = file.read(CHUNK_BYTES)
        self._read += len(content)
        if self._read == self._written:  # a client that has caught up needs no room
            file.seek(0)
            file.truncate()
            self._read = self._written = 0
        return content


def _free() -> str:
    try:
        folder = gettempdir()
        return f"{folder} has {disk_usage(folder).free:,} bytes free"
    except OSError as error:  # there is none, or it has gone
        return str(error.strerror or error)
