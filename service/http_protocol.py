"""uvicorn's HTTP protocol, with limits on heads and on what is under way, and head and body in one write.

The parser takes a head of any size and fills the memory with it. And uvicorn writes the head of an answer as
soon as the application begins to answer: a system call more each time, and a client that is woken up twice.

What is too much is refused here, before anything is made of it: all the way through the application a refusal
costs as much as an answer. Most of that is reading, so a client that was told to retry later is not listened
to until about then.
"""

import asyncio
import select
from http import HTTPStatus
from random import uniform
from typing import Any, NoReturn

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.types import Message, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.connection import EXTENSION
from service.errors import refusal
from service.guards.admission import Overload
from service.one_host import names_one_host
from service.read_on import ReadOn
from service.request_target import origin_form
from service.transfer_coding import unknown_coding

MOST_HEAD_BYTES = 32 * 1024
"""Of a request's line and headers together; proxies send a few hundred."""

MOST_PIPELINED = 256
"""Requests that a client may send ahead of the answer that it waits for; hardly any sends one."""

_NO_HTTP = "This is not HTTP/1.1 as RFC 9112 has it"

_NO_PATH = "The request line names no path, as in GET /health HTTP/1.1"

_ONLY_CHUNKED = "Transfer-Encoding is chunked or left out here"

_TOO_LARGE = f"The request line and the headers are over {MOST_HEAD_BYTES} bytes"

_TOO_MANY = f"Send at most {MOST_PIPELINED} requests ahead of the answer that you wait for"

_NO_HOST = "Name the host that is asked in one header, as Host: example.org or Host: example.org:8000"

_NO_PROXY = "This is no proxy: ask for a path, with another method than CONNECT"

_OF_PROXIES = frozenset({b"x-forwarded-for", b"forwarded", b"via"})

_HUNG_UP = getattr(select, "POLLRDHUP", select.POLLHUP)  # the first is Linux' own

_HEAD = b"HTTP/1.1 "
_CONTINUE = b"HTTP/1.1 100 "
_END_OF_HEAD = b"\r\n\r\n"


class HeadWithBody:
    """A transport that holds a head back until the body's first bytes come, or the answer's end."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold a head, or a piece of a body that looks like one; write `data` and what is held."""
        if self._transport.is_closing():
            # of a connection's requests uvicorn tells only the last that its client has gone
            self._head = b""
        elif self._head:
            self._transport.writelines([self._head, data])
            self._head = b""
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write what is held."""
        if self._head and not self._transport.is_closing():
            self._transport.write(self._head)
        self._head = b""

    def close(self) -> None:
        """Write what is held and close."""
        self.flush()
        self._transport.close()


class RefusedError(Exception):
    """A head that is refused: it makes the parser give up, which tells nothing of it."""


class PhonePriceProtocol(HttpToolsProtocol):
    """What uvicorn makes of each connection."""

    _is_broken = False  # what comes makes no sense any more
    _fault: tuple[int, str] | None = None  # that the parser does not know of
    _last_words = b""  # the refusal of what is broken, said when the answers due before it have gone
    _under_way: RequestResponseCycle | None = None  # the request that is being answered, or was last
    _refused = False  # the request that is being read has been, and nothing is made of its body
    _rest = 0  # seconds for which its connection is then not listened to
    _silent = 0  # bytes that came since the parser last had something to say: a head, or a piece of a body
    _newest = 0  # bytes that came last
    _unmeasured = 0  # at most so many bytes came since then: it may have had it to say amid the newest

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._end = ReadOn(transport, self._is_sending)
        self.transport = self._answers = HeadWithBody(self._end)  # type: ignore[assignment, arg-type]
        self._extensions = {EXTENSION: self}

    def connection_lost(self, exc: Exception | None) -> None:
        if self._under_way is not None and not self._under_way.response_complete:
            self._leave(self._under_way)
        super().connection_lost(exc)

    def _leave(self, cycle: RequestResponseCycle) -> None:
        """Tell a request that its client has gone: uvicorn tells it the last of a connection's only."""
        cycle.disconnected = True
        cycle.message_event.set()

    def reset(self) -> None:
        """End the connection at once, whatever its client is doing."""
        if self._under_way is not None:
            self._leave(self._under_way)
        self.transport.abort()

    def is_left(self) -> bool:
        """Whether the client of the request that is being answered has gone."""
        cycle = self._under_way
        if cycle is None:
            return False
        if not cycle.disconnected and (self.transport.is_closing() or self._has_hung_up()):
            self._leave(cycle)
            self.transport.close()
        return cycle.disconnected

    def _has_hung_up(self) -> bool:
        """Ask the system, which knows what comes after all that has not been read yet."""
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket"), _HUNG_UP)
        return bool(poll.poll(0))

    def _is_sending(self) -> bool:
        """Whether a request has not ended, as far as is known."""
        return self._is_broken or self._refused or (self.cycle is not None and self.cycle.more_body)

    def data_received(self, data: bytes) -> None:
        if self._is_broken or self._end.is_reading_on:
            self._end.take(data)
            return
        self._newest = len(data)
        self._silent += self._newest
        self._unmeasured += self._newest
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except HttpParserError as error:
            self.logger.warning("Invalid HTTP request received.")
            self._refuse(*(self._fault or (400, _in_words(error))))
            return
        if self._silent > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, _TOO_LARGE)

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as stop:
                data = data[stop.args[0] :]
                self._pass_over_upgrade()
            if self._is_broken or self.transport.is_closing():
                return

    def _pass_over_upgrade(self) -> None:
        """Begin the request again without its Upgrade.

        Nothing is upgraded here, and to the client that changes nothing (RFC 9110, 7.8). But the parser stops
        after such a head as if another protocol began there, and would take the body for requests.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400, _NO_PROXY)
            return
        first = b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())
        lines = [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self.parser.feed_data(b"\r\n".join([first, *lines, b"", b""]))

    def on_headers_complete(self) -> None:
        self._check_head()
        self._heard()
        if self.parser.should_upgrade():
            return  # the parser stops, and is given the head again
        if self.expect_100_continue and self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # it would take the invitation for the answer (RFC 9110, 10.1.1)
        if self._is_too_much():
            self._turn_away()
        else:
            super().on_headers_complete()

    def _heard(self) -> None:
        self._silent, self._unmeasured = 0, self._newest

    def _check_head(self) -> None:
        # what came with the head may be most of it: only then is the head itself measured
        if self._unmeasured > MOST_HEAD_BYTES and self._head_bytes() > MOST_HEAD_BYTES:
            self._give_up(431, _TOO_LARGE)
        if len(self.pipeline) >= MOST_PIPELINED:
            self._give_up(400, _TOO_MANY)
        if not names_one_host(self.headers) and not self._needs_no_host():
            self._give_up(400, _NO_HOST)
        if coding := unknown_coding(self.headers):
            self._give_up(501, f"{_ONLY_CHUNKED}: send it without {coding}")
        if not self.url.startswith(b"/"):
            self.url = origin_form(self.url)

    def _give_up(self, status: int, reason: str) -> NoReturn:
        self._fault = status, reason
        raise RefusedError(reason)

    def _needs_no_host(self) -> bool:
        return self.parser.get_http_version() == "1.0" and all(name != b"host" for name, _ in self.headers)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._under_way = cycle
        cycle.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        super()._start_asgi_task(cycle, _uninvited(cycle, app) if cycle.waiting_for_100_continue else app)

    def on_body(self, body: bytes) -> None:
        self._heard()
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        if self._refused:
            self._refused = False
            self.on_response_complete()
            self._be_silent()
        else:
            super().on_message_complete()
            self.cycle.more_body = False  # uvicorn forgets it where the answer came first

    def on_response_complete(self) -> None:
        self._answers.flush()  # an answer may have no body
        if self._is_broken and not self.pipeline and not self.transport.is_closing():
            self._end_here()
        super().on_response_complete()

    def shutdown(self) -> None:
        """Close, or say that the next answer is the last; but first read what came while the loop was busy.

        What is called in the second turn from now comes after a look at every connection.
        """
        self.loop.call_soon(self.loop.call_soon, self._shut_down)

    def _shut_down(self) -> None:
        self._end.hurry()  # a client that sends what was refused delays no end
        super().shutdown()

    def _is_too_much(self) -> bool:
        overload: Overload | None = self.app_state.get("overload")
        if overload is None or not overload.refuses(len(self.tasks), self.url):
            return False
        return self.cycle is None or self.cycle.response_complete  # else another is to be answered first

    def _turn_away(self) -> None:
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["path"] = self.url.partition(b"?")[0].decode("ascii", "replace")
        answer, seconds = self.app_state["overload"].refuse(self.scope)
        self._refused = True
        # on a proxy's connection the next request is another client's
        self._rest = 0 if any(name in _OF_PROXIES for name, _ in self.headers) else seconds
        if self.scope["method"] == "HEAD":
            answer = answer[: answer.index(_END_OF_HEAD) + len(_END_OF_HEAD)]
        self._answers.write(answer)
        self._answers.flush()
        if self.expect_100_continue or not self.parser.should_keep_alive():
            self._answers.close()

    def _be_silent(self) -> None:
        """Do not listen for as long as the client was told to stay away, nor all again at the same moment."""
        if self._rest and not self.transport.is_closing():
            self.flow.pause_reading()
            self.loop.call_later(self._rest * uniform(0.5, 1.0), self.flow.resume_reading)  # noqa: S311 - no secret

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse(self, status: int, reason: str) -> None:
        """Say why, in the body of every refusal, and close: where the next request begins is unknown.

        The answers to the whole requests before it go first.
        """
        self._is_broken = True
        is_answered = self._refused
        if self.cycle is not None and self.cycle.more_body:  # it is its body that is broken
            is_answered = self.cycle.response_started
            self._leave(self.cycle)
            if self.pipeline:
                self.pipeline.popleft()
        # who was answered would take it for the rest of the answer, or for the next one
        self._last_words = b"" if is_answered else _in_bytes(status, reason)
        due = self._under_way
        if due is None or due.response_complete or due.disconnected:
            self._end_here()

    def _end_here(self) -> None:
        if self._last_words:
            self._answers.write(self._last_words)
        self._answers.close()


def _in_words(error: HttpParserError) -> str:
    # only of the path does uvicorn complain by itself
    return _NO_PATH if isinstance(error, HttpParserCallbackError) else f"{_NO_HTTP}: {error}"


def _in_bytes(status: int, reason: str) -> bytes:
    """Return the whole answer of a refusal after which the connection ends."""
    response = refusal(status, reason)
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nconnection: close\r\n".encode()
    headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
    return head + headers + b"\r\n" + bytes(response.body)


def _uninvited(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """`app`, whose answer ends the connection where it did not ask for the body.

    Who waits to be asked may send it or not: where would the next request begin?
    """

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if cycle.waiting_for_100_continue:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, noted)  # type: ignore[arg-type]

    return watched  # type: ignore[return-value]
