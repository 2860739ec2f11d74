"""uvicorn's HTTP protocol, with the head of an answer and its body in one write.

uvicorn writes the head as soon as the application begins to answer: a system call more for every answer, and
a client that is woken up twice.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 100 "


class HeadWithBody:
    """A transport that holds a head back until the body's first bytes come, or the answer's end."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold a head, or a piece of a body that looks like one; write `data` and what is held."""
        if self._head:
            self._transport.writelines([self._head, data])
            self._head = b""
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write what is held."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Write what is held and close."""
        self.flush()
        self._transport.close()


class OneWriteProtocol(HttpToolsProtocol):
    """What uvicorn makes of each connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = self._answers = HeadWithBody(transport)  # type: ignore[assignment]

    def on_response_complete(self) -> None:
        self._answers.flush()  # an answer may have no body
        super().on_response_complete()
