"""Head and body of an answer go out in one write, heads are limited, and refusals have the one body.

Nothing else differs from uvicorn's protocol.
"""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from select import select

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.http_protocol import MOST_PIPELINED, HeadWithBody, PhonePriceProtocol
from service.request_target import origin_form
from service.transfer_coding import unknown_coding
from tests.running_service import free_port


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the path says."""
    body = b""
    while scope["path"] != "/at-once" and (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    status, pieces, declared = {
        "/one": (200, [b"a"], True),
        "/empty": (200, [b""], True),
        "/nothing": (204, [b""], False),
        "/at-once": (200, [b"a"], True),
        "/": (200, [b"/"], True),
        "/echo": (200, [body], True),
        "/chunks": (200, [b"first", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b""], False),
        "/breaks": (200, [b"first"], False),
        "/breaks-at-once": (200, [], False),
    }[scope["path"]]
    length = [(b"content-length", b"%d" % sum(map(len, pieces)))] if declared else []
    await send({"type": "http.response.start", "status": status, "headers": length})
    for number, piece in enumerate(pieces, start=1):
        more = number < len(pieces) or scope["path"] == "/breaks"
        await send({"type": "http.response.body", "body": piece, "more_body": more})
    if scope["path"].startswith("/breaks"):
        raise RuntimeError("the application breaks off, as this test wants")


class Server:
    """A real uvicorn that listens on `port`."""

    def __init__(self, port: int) -> None:
        self.port = port

    def answers(self, sent: bytes) -> bytes:
        """Send bytes; return all that comes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(sent)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def served(protocol: type[HttpToolsProtocol]) -> Iterator[Server]:
    port = free_port()
    config = uvicorn.Config(
        app, port=port, http=protocol, lifespan="off", log_level="critical", date_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Server(port)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def ours() -> Iterator[Server]:
    with served(PhonePriceProtocol) as server:
        yield server


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    with served(HttpToolsProtocol) as server:
        yield server


def request(method: bytes, path: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"host: x", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CLOSE = b"connection: close"


@pytest.mark.parametrize(
    "sent",
    [
        request(b"GET", b"/one", CLOSE),
        request(b"GET", b"/empty", CLOSE),
        request(b"GET", b"/nothing", CLOSE),
        request(b"HEAD", b"/one", CLOSE),
        request(b"GET", b"/chunks", CLOSE),
        request(b"GET", b"/breaks"),
        request(b"GET", b"/breaks-at-once"),
        request(b"POST", b"/echo", b"content-length: 2", b"expect: 100-continue", CLOSE, body=b"ab"),
        request(b"HEAD", b"/one") + request(b"GET", b"/one") + request(b"GET", b"/empty", CLOSE),
        b"GET /one HTTP/1.0\r\n\r\n",
    ],
)
def test_every_answer_has_uvicorns_bytes(ours: Server, plain: Server, sent: bytes) -> None:
    expected = plain.answers(sent)
    assert expected.startswith(b"HTTP/1.1 ")
    assert ours.answers(sent) == expected


def test_an_answer_without_a_body_does_not_wait_for_the_next_request(ours: Server) -> None:
    with socket.create_connection(("127.0.0.1", ours.port), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(request(b"HEAD", b"/one"))
            assert connection.recv(65536).endswith(b"\r\n\r\n")


def refused(server: Server, pieces: Iterable[bytes]) -> tuple[int, str]:
    """Send the pieces until the server has had enough; return status and type of its refusal."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
            if select([connection], [], [], 0.001)[0]:
                break
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"content-length: %d" % len(body) in head
    (violation,) = json.loads(body)["detail"]
    assert set(violation) == {"type", "loc", "msg"}
    return int(head.split()[1]), violation["type"]


def endless(begin: bytes, piece: bytes) -> Iterator[bytes]:
    yield begin
    yield from repeat(piece, 1_000)  # a hundred times the limit


KIB = 1024
CHUNKED = request(b"POST", b"/echo", b"transfer-encoding: chunked")


@pytest.mark.parametrize(
    "pieces",
    [
        [request(b"GET", b"/" + b"a" * 33 * KIB)],
        [request(b"GET", b"/one", b"x: " + b"a" * 33 * KIB)],
        [request(b"GET", b"/one", *[b"x: " + b"a" * KIB] * 33)],
        endless(b"GET /", b"a" * 4 * KIB),
        endless(b"GET /one HTTP/1.1\r\n", b"x: " + b"a" * 4 * KIB + b"\r\n"),
        endless(b"GET /one HTTP/1.1\r\nx: ", b"a" * 4 * KIB),
        endless(CHUNKED + b"1;", b"a" * 4 * KIB),
        endless(CHUNKED + b"1\r\na\r\n0\r\nx: ", b"a" * 4 * KIB),
    ],
    ids=[
        "url",
        "header",
        "headers",
        "endless url",
        "endless headers",
        "endless header",
        "extension",
        "trailer",
    ],
)
def test_a_head_over_the_limit_is_refused(ours: Server, pieces: Iterable[bytes]) -> None:
    assert refused(ours, pieces) == (431, "request_header_fields_too_large")


def test_what_is_no_http_is_refused(ours: Server) -> None:
    assert refused(ours, [b"no HTTP at all\r\n\r\n"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"FOO /one HTTP/1.1", b"method"),
        (b"get /one HTTP/1.1", b"method"),
        (b"GET /one HTTP/1.2", b"HTTP version"),
        (b"GET /one HTTPS/1.1", b"HTTP/"),
        (b"GET one HTTP/1.1", b"url"),
        (b"GET http:///one HTTP/1.1", b"path"),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_request_line(ours: Server, line: bytes, found: bytes) -> None:
    assert found in ours.answers(line + b"\r\nhost: x\r\n\r\n").partition(b'"msg"')[2]


BAD_REQUESTS = {
    "no HTTP": (400, b"garbage\r\n\r\n"),
    "no host": (400, b"GET /one HTTP/1.1\r\n\r\n"),
    "a proxy's method": (400, request(b"CONNECT", b"example.org:443")),
    "too large a head": (431, request(b"GET", b"/one", b"x: " + b"a" * 40 * KIB)),
    "an unknown transfer coding": (501, request(b"POST", b"/echo", b"transfer-encoding: gzip, chunked")),
    "no chunk": (400, CHUNKED + b"no size\r\n"),
    "no host of an upgrade": (400, b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
}


@pytest.mark.parametrize("good", [1, 3])
@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_the_answers_due_before_a_refusal_come_before_it(ours: Server, case: str, good: int) -> None:
    status, bad = BAD_REQUESTS[case]
    echoed = request(b"POST", b"/echo", b"content-length: 3", body=b"abc")
    received = ours.answers(echoed * good + bad + request(b"GET", b"/one"))
    *answers, last = re.split(rb"HTTP/1\.1 (?=\d)", received)[1:]
    assert [answer[:3] + answer[-3:] for answer in answers] == [b"200abc"] * good
    assert last.startswith(b"%d " % status)
    assert b"connection: close\r\n" in last


def test_an_answer_that_says_close_is_the_last(ours: Server) -> None:
    received = ours.answers(request(b"GET", b"/one") + request(b"GET", b"/one", CLOSE) + b"garbage\r\n\r\n")
    assert received.count(b"200 OK") == received.count(b"HTTP/1.1 ") == 2


def test_a_body_that_breaks_amid_its_answer_ends_it_without_another(ours: Server) -> None:
    """A refusal there would be read as a part of the answer, or as the answer to the next request."""
    with socket.create_connection(("127.0.0.1", ours.port), timeout=10) as connection:
        connection.sendall(request(b"POST", b"/at-once", b"transfer-encoding: chunked"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"no size\r\n")
        assert connection.recv(65536) == b""


def test_an_address_is_answered_as_its_path(ours: Server) -> None:
    assert ours.answers(request(b"GET", b"http://x", CLOSE)).endswith(b"\r\n\r\n/")
    for target in (b"http://x/one", b"HTTP://example.org:8000/one?a=1", b"https://[::1]/one"):
        assert ours.answers(request(b"GET", target, CLOSE)).endswith(b"\r\n\r\na")


def test_http_1_0_is_not_asked_for_its_body(ours: Server) -> None:
    sent = request(b"POST", b"/echo", b"content-length: 2", b"expect: 100-continue", body=b"ab")
    received = ours.answers(sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_head_below_the_limit_and_a_body_above_it_are_taken(ours: Server) -> None:
    body = b"b" * 200 * KIB
    headers = [b"x: " + b"a" * 15 * KIB] * 2
    sent = request(b"POST", b"/echo", b"content-length: %d" % len(body), *headers, CLOSE, body=body)
    assert ours.answers(sent).endswith(b"\r\n\r\n" + body)
    twice = request(b"POST", b"/echo", b"content-length: %d" % len(body), body=body)
    assert ours.answers(twice + sent).count(body) == 2


class Written(asyncio.Transport):
    """A transport that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.writes.append(b"closed")

    def is_closing(self) -> bool:
        return self.writes[-1:] == [b"closed"]


def test_head_and_body_are_one_write_and_pieces_after_them_their_own() -> None:
    below = Written()
    transport = HeadWithBody(below)
    for data in (b"HTTP/1.1 200 OK\r\n\r\n", b"body", b"more"):
        transport.write(data)
    assert below.writes == [b"HTTP/1.1 200 OK\r\n\r\nbody", b"more"]


def test_an_invitation_to_go_on_and_what_is_left_at_the_end_are_written() -> None:
    below = Written()
    transport = HeadWithBody(below)
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert below.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    transport.close()
    assert below.writes[1:] == [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"closed"]


def test_a_client_that_sends_on_and_waits_for_no_answer_is_left(ours: Server) -> None:
    """Each request that waits is kept: without an end they would fill the memory."""
    received = ours.answers(request(b"GET", b"/one") * 1_000)
    assert received.count(b"200 OK") == MOST_PIPELINED + 1
    assert b"ahead of the answer" in received.rpartition(b"HTTP/1.1 400 ")[2]
    with socket.create_connection(("127.0.0.1", ours.port), timeout=10) as connection:
        answered = 0
        with suppress(ConnectionError):
            connection.sendall(request(b"GET", b"/one") * 5_000)
            while content := connection.recv(65536):
                answered += content.count(b"200 OK")
    assert answered <= MOST_PIPELINED + 1
    assert b"200 OK" in ours.answers(request(b"GET", b"/one", CLOSE))


def test_what_is_written_after_the_end_is_dropped() -> None:
    """An application is told that its client has gone only where no other request waits behind its own."""
    transport = Written()
    answers = HeadWithBody(transport)
    answers.close()
    answers.write(b"HTTP/1.1 200 OK\r\n\r\n")
    answers.write(b"body")
    answers.flush()
    assert transport.writes == [b"closed"]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/predict?a=http://x/y", b"/predict?a=http://x/y"),
        (b"http://x", b"/"),
        (b"http://x?a=1", b"/?a=1"),
        (b"HTTPS://me@[::1]:8000/predict?a=1", b"/predict?a=1"),
        (b"*", b"*"),
    ],
)
def test_of_an_address_the_path_and_the_query_are_left(target: bytes, path: bytes) -> None:
    assert origin_form(target) == path


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        ([], ""),
        ([b"Chunked"], ""),
        ([b"gzip, chunked"], "gzip"),
        ([b"gzip", b"deflate", b"chunked"], "gzip, deflate"),
        ([b"chunked, gzip"], ""),  # the parser's own fault
    ],
)
def test_what_comes_before_chunked_is_named(values: list[bytes], unknown: str) -> None:
    headers = [(b"host", b"x"), *((b"transfer-encoding", value) for value in values)]
    assert unknown_coding(headers) == unknown
