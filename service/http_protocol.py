"""uvicorn's HTTP protocol, with a limit on heads, a pause after a refusal, and head and body in one write.

The parser takes a head of any size and fills the memory with it. And uvicorn writes the head of an answer as
soon as the application begins to answer: a system call more each time, and a client that is woken up twice.

A client that asks again at once although it was told to retry later costs as much as an answer, most of which
is reading. So it is not listened to until then.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.errors import refusal

MOST_HEAD_BYTES = 32 * 1024
"""Of a request's line and headers together; proxies send a few hundred."""

_REASONS = {
    400: "This is not HTTP/1.1 as RFC 9112 has it",
    431: f"The request line and the headers are over {MOST_HEAD_BYTES} bytes",
}

PAUSE_SECONDS = 1.0
"""As Retry-After says."""

_HEAD = b"HTTP/1.1 "
_OVERLOADED = b"HTTP/1.1 503 "
_CONTINUE = b"HTTP/1.1 100 "


class HeadWithBody:
    """A transport that holds a head back until the body's first bytes come, or the answer's end."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.told_to_retry = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold a head, or a piece of a body that looks like one; write `data` and what is held."""
        if self._head:
            self._transport.writelines([self._head, data])
            self._head = b""
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
            self.told_to_retry = data.startswith(_OVERLOADED) and b"\r\nretry-after: " in data
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


class HeadTooLargeError(Exception):
    """A request's line and headers are over the limit."""


class PhonePriceProtocol(HttpToolsProtocol):
    """What uvicorn makes of each connection."""

    _silent = 0  # bytes that came since the parser last had something to say: a head, or a piece of a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = self._answers = HeadWithBody(transport)  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._silent += len(data)
        super().data_received(data)
        if self._silent > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431)

    def on_headers_complete(self) -> None:
        # what came with the head may be most of it: only then is the head itself measured
        if self._silent > MOST_HEAD_BYTES and self._head_bytes() > MOST_HEAD_BYTES:
            raise HeadTooLargeError  # the parser gives up, and `send_400_response` is called
        self._silent = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._silent = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        self._answers.flush()  # an answer may have no body
        super().on_response_complete()
        if self._answers.told_to_retry:
            self.flow.pause_reading()
            self.loop.call_later(PAUSE_SECONDS, self.flow.resume_reading)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser has given up."""
        self._refuse(431 if self._silent > MOST_HEAD_BYTES else 400)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse(self, status: int) -> None:
        """Say why, in the body of every refusal, and close: where the next request begins is unknown."""
        response = refusal(status, _REASONS[status])
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nconnection: close\r\n".encode()
        headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
        self._answers.write(head + headers + b"\r\n" + bytes(response.body))
        self._answers.close()
