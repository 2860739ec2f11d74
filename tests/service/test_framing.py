"""Where a message ends: each answer belongs to its request, and what follows a request is the next one."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

from contract.phone import EXAMPLE
from tests.running_service import ARTIFACTS, RunningService, running_service
from tests.tables import rows

JSON = b"content-type: application/json"
UPGRADES = {
    "h2c": [b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__"],
    "two lines": [b"connection: keep-alive", b"connection: Upgrade", b"upgrade: h2c"],
    "websocket": [b"connection: Upgrade", b"upgrade: websocket", b"sec-websocket-version: 13"],
}
PHONE = json.dumps(EXAMPLE).encode()
SMUGGLED = b"GET /model-card HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningService]:
    with running_service(ARTIFACTS) as service:
        yield service


def request(method: str, path: str, *lines: bytes, body: bytes = b"") -> bytes:
    length = [b"content-length: %d" % len(body)] if body else []
    head = [f"{method} {path} HTTP/1.1".encode(), b"host: x", *lines, *length]
    return b"\r\n".join([*head, b"", body])


def connect(running: RunningService) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.client.base_url.port or 0), timeout=10)


def answer(connection: socket.socket, method: str = "POST") -> tuple[HTTPResponse, bytes]:
    with HTTPResponse(connection, method=method) as response:
        response.begin()
        return response, response.read()


def routes(running: RunningService) -> Iterator[tuple[str, str]]:
    """Each route by each of its methods, and one that there is not."""
    paths = running.client.get("/openapi.json").json()["paths"]
    assert len(paths) > 10
    for path, methods in paths.items():
        yield from ((method.upper(), path) for method in methods)
    yield "POST", "/nowhere"


def assert_in_step(connection: socket.socket, last: HTTPResponse) -> None:
    """The next request is answered, or the connection was announced to end and has."""
    if last.getheader("connection") == "close":
        assert connection.recv(1) == b""
        return
    connection.sendall(request("GET", "/health/live"))
    response, body = answer(connection, "GET")
    assert response.status == 200
    assert b"status" in body


EXPECT = b"expect: 100-continue"
MIB = 2**20

REFUSED_BY_THE_HEAD = {
    "nowhere": (404, "POST", "/nowhere", [JSON], 4 * MIB),
    "another method": (405, "PUT", "/predict", [JSON], 4 * MIB),
    "another type": (415, "POST", "/predict", [b"content-type: text/html"], 4 * MIB),
    "another type of table": (415, "POST", "/predict/batch", [b"content-type: text/html"], 4 * MIB),
    "packed": (415, "POST", "/predict", [JSON, b"content-encoding: gzip"], 4 * MIB),
    "too large": (413, "POST", "/predict", [JSON], 16 * MIB),
    "too large a table": (413, "POST", "/predict/batch", [JSON], 16 * MIB),
    "too large for a platform": (413, "POST", "/invocations", [JSON], 16 * MIB),
    "a deadline that is none": (400, "POST", "/predict", [JSON, b"x-request-timeout: x"], 4 * MIB),
}


def head(case: str, *lines: bytes) -> tuple[int, bytes, int]:
    """Return the status, the head that is refused, and how long a body it announces."""
    status, method, path, own, length = REFUSED_BY_THE_HEAD[case]
    return status, request(method, path, *own, *lines, b"content-length: %d" % length), length


@pytest.mark.parametrize("case", REFUSED_BY_THE_HEAD)
def test_a_refusal_reaches_a_client_that_sends_all_its_body_first(running: RunningService, case: str) -> None:
    status, sent, length = head(case, b"connection: close")
    with connect(running) as connection:
        connection.sendall(sent + bytes(length))
        response, body = answer(connection)
        assert response.status == status
        assert body
        assert connection.recv(1) == b""


@pytest.mark.parametrize("case", REFUSED_BY_THE_HEAD)
def test_a_body_that_was_not_asked_for_ends_the_connection(running: RunningService, case: str) -> None:
    status, sent, _ = head(case, EXPECT)
    with connect(running) as connection:
        connection.sendall(sent)
        response, _ = answer(connection)
        assert (response.status, response.getheader("connection")) == (status, "close")
        assert_in_step(connection, response)


def test_a_body_that_was_asked_for_keeps_the_connection(running: RunningService) -> None:
    sent = request("POST", "/predict", JSON, EXPECT, body=PHONE)
    with connect(running) as connection:
        connection.sendall(sent.removesuffix(PHONE))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(PHONE)
        response, _ = answer(connection)
        assert (response.status, response.getheader("connection")) == (200, None)
        assert_in_step(connection, response)


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
@pytest.mark.parametrize("segments", [1, 2])
def test_an_upgrade_that_is_not_taken_changes_no_answer(
    running: RunningService, upgrade: list[bytes], segments: int
) -> None:
    for method, path in routes(running):
        body = b"" if method in ("GET", "HEAD") else PHONE
        statuses = []
        for lines in ([], upgrade):
            sent = request(method, path, JSON, *lines, body=body)
            cut = len(sent) - len(body) if segments == 2 else len(sent)
            with connect(running) as connection:
                connection.sendall(sent[:cut])
                connection.sendall(sent[cut:])
                response, _ = answer(connection, method)
                statuses.append(response.status)
                assert_in_step(connection, response)
        assert statuses[0] == statuses[1], (method, path)


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
def test_the_body_of_an_upgrade_is_never_a_request(running: RunningService, upgrade: list[bytes]) -> None:
    sent = request("POST", "/predict", JSON, *upgrade, body=SMUGGLED)
    with connect(running) as connection:
        connection.sendall(sent.removesuffix(SMUGGLED))
        connection.sendall(SMUGGLED)
        response, body = answer(connection)
        assert (response.status, b"json" in body.lower()) == (422, True)
        assert_in_step(connection, response)


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES)
def test_what_follows_an_upgrade_in_its_segment_is_answered(
    running: RunningService, upgrade: list[bytes]
) -> None:
    chunked = request("POST", "/predict", JSON, b"transfer-encoding: chunked", *upgrade)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(PHONE), PHONE)
    last = request("GET", "/health/live", b"connection: close")
    with connect(running) as connection:
        connection.sendall(request("GET", "/health/live", *upgrade) * 2 + chunked + chunks + last)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 4


def test_a_proxys_method_is_refused_and_nothing_follows(running: RunningService) -> None:
    with connect(running) as connection:
        connection.sendall(request("CONNECT", "example.org:443") + SMUGGLED)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1


HOSTS = ["x", "localhost:8000", "[::1]:8000", "phone_price.svc", "xn--bcher-kva.example:", "", "203.0.113.7"]
NO_HOSTS = {
    "none": b"",
    "two": b"host: x\r\nhost: y\r\n",
    "the same twice": b"host: x\r\nhost: x\r\n",
    "a space": b"host: a b\r\n",
    "a user": b"host: me@x\r\n",
    "a path": b"host: x/y\r\n",
    "a list": b"host: x:80, y:80\r\n",
    "a port that is none": b"host: x:http\r\n",
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_taken_with_and_without_a_port(running: RunningService, host: str) -> None:
    with connect(running) as connection:
        connection.sendall(f"GET /health HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert answer(connection, "GET")[0].status == 200


@pytest.mark.parametrize("lines", NO_HOSTS.values(), ids=NO_HOSTS)
@pytest.mark.parametrize("upgrade", [b"", b"connection: upgrade\r\nupgrade: h2c\r\n"], ids=["", "upgrade"])
def test_a_request_has_one_host(running: RunningService, lines: bytes, upgrade: bytes) -> None:
    with connect(running) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n" + lines + upgrade + b"\r\n" + SMUGGLED)
        response, body = answer(connection, "GET")
        assert (response.status, response.getheader("connection")) == (400, "close")
        assert b"Host" in body
        assert connection.recv(1) == b""


def test_http_1_0_needs_no_host_but_has_not_two(running: RunningService) -> None:
    for lines, status in ((b"", 200), (b"host: x\r\n", 200), (b"host: x\r\nhost: x\r\n", 400)):
        with connect(running) as connection:
            connection.sendall(b"GET /health HTTP/1.0\r\n" + lines + b"\r\n")
            assert answer(connection, "GET")[0].status == status
            assert connection.recv(1) == b""


TABLES = {
    "application/json": json.dumps({"phones": [EXAMPLE] * 3_000}).encode(),
    "application/x-ndjson": (PHONE + b"\n") * 3_000,
    "text/csv": b"%b\n" % ",".join(EXAMPLE).encode()
    + b"%b\n" % ",".join(map(str, EXAMPLE.values())).encode() * 3_000,
}
KINDS = [*TABLES, "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"]


def asked_by_1_0(running: RunningService, sent: bytes) -> tuple[int, bytes]:
    """Return the status and the body of an answer that a client of HTTP/1.0 can read."""
    with connect(running) as connection:
        connection.sendall(sent.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    return int(head.split()[1]), body


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize("accepted", KINDS)
@pytest.mark.parametrize("kind", TABLES)
def test_http_1_0_is_answered_a_table_with_its_length(
    running: RunningService, kind: str, accepted: str, on_error: str
) -> None:
    lines = [b"content-type: %b" % kind.encode(), b"accept: %b" % accepted.encode()]
    sent = request("POST", f"/predict/batch?on_error={on_error}", *lines, body=TABLES[kind])
    with connect(running) as connection:
        connection.sendall(sent)
        _, body = answer(connection)
    status, body_of_1_0 = asked_by_1_0(running, sent)
    assert status == 200
    assert rows(accepted, body_of_1_0) == rows(accepted, body)  # Arrow is cut as its pieces arrive


def test_http_1_0_is_answered_with_a_length_everywhere(running: RunningService) -> None:
    for method, path in routes(running):
        path = path.replace("{model}", "phone-price")
        for kind, body in {"application/json": PHONE, **TABLES}.items():
            sent = request(method, path, b"content-type: %b" % kind.encode(), body=body)
            asked_by_1_0(running, sent if method == "POST" else request(method, path))


def test_http_1_0_is_refused_a_broken_row_only_as_asked(running: RunningService) -> None:
    rows = TABLES["application/x-ndjson"] + b"{}\n"
    for on_error, status in (("skip", 200), ("fail", 422)):
        path = f"/predict/batch?on_error={on_error}"
        sent = request("POST", path, b"content-type: application/x-ndjson", body=rows)
        assert asked_by_1_0(running, sent)[0] == status
