"""What holds an answer until the client reads it."""

import asyncio
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

MEMORY_BYTES = 8 * 2**20
"""What is held in memory; more lies in a temporary file."""

CHUNK_BYTES = 256 * 1024


class Spool:
    """Bytes, read in the order in which they were written while writing goes on.

    Most clients send all before they read, so that a server which waits for them to read would wait for ever.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 - closed by __exit__
        self._written = 0
        self._read = 0
        self._ended = False
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        """Add to the end. Raises `OSError` when the disk is full."""
        self._file.seek(self._written)
        self._written += self._file.write(content)
        self._changed.set()

    def end(self) -> None:
        """Say that nothing more comes."""
        self._ended = True
        self._changed.set()

    async def contents(self) -> AsyncIterator[bytes]:
        """Give all that is written, until its end."""
        while True:
            if self._read < self._written:
                yield self._next()
            elif self._ended:
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def _next(self) -> bytes:
        self._file.seek(self._read)
        content = self._file.read(CHUNK_BYTES)
        self._read += len(content)
        if self._read == self._written:  # a client that keeps up needs no room
            self._file.seek(0)
            self._file.truncate()
            self._read = self._written = 0
        return content
