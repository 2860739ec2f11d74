"""An answer that comes before the request has ended, on a connection that then ends, has to arrive.

To close while bytes come in resets the connection, and the client loses what it had not read yet. So the
server says that it has ended, and reads on for a while what it makes nothing of (RFC 9112, 9.6).
"""

import asyncio
from collections.abc import Callable
from typing import Any

MAX_BYTES = 256 * 2**20
"""That are read on."""

MAX_SECONDS = 30.0
"""For which a client may go on sending."""

IDLE_SECONDS = 5.0
"""Between two looks; who has sent nothing in between is left."""

LAST_SECONDS = 1.0
"""For which a service that stops reads on."""


class ReadOn:
    """A transport whose `close` half-closes where `is_sending` says that the client has not ended."""

    def __init__(self, transport: asyncio.Transport, is_sending: Callable[[], bool]) -> None:
        self._transport = transport
        # called for each answer, so without a detour
        self.write, self.writelines = transport.write, transport.writelines
        self.is_closing: Callable[[], bool] = transport.is_closing
        self._is_sending = is_sending
        self._seen = self._received = 0
        self._looks = int(MAX_SECONDS / IDLE_SECONDS)
        self._look_seconds = IDLE_SECONDS
        self.is_reading_on = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Close, at the second time at once."""
        if self.is_closing() or not self._is_sending():
            self._transport.close()
            return
        self.is_reading_on = True
        self.is_closing = _is_closing  # nothing can be written any more
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._look_later()

    def hurry(self) -> None:
        """Close what has ended; what is still to end reads on only shortly."""
        self._looks, self._look_seconds = 1, LAST_SECONDS
        if self.is_reading_on:
            self._transport.close()

    def take(self, data: bytes) -> None:
        """Count what came after the end."""
        self._received += len(data)
        if self._received > MAX_BYTES:
            self._transport.close()

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(self._look_seconds, self._look)

    def _look(self) -> None:
        self._looks -= 1
        if self._transport.is_closing():
            return
        if self._received == self._seen or not self._looks:
            self._transport.close()
            return
        self._seen = self._received
        self._look_later()


def _is_closing() -> bool:
    return True
