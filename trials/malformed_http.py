"""What is hardly HTTP any more: lengths that contradict each other, heads without end, smuggled requests."""

from collections.abc import Iterable, Iterator
from functools import partial

from trials.bad_requests import CANARY, phone
from trials.raw_http import CLOSED, SILENT, Exchange, posted, request

_BODY = phone()
_LENGTH = b"Content-Length: %d" % len(_BODY)
_TYPE = b"Content-Type: application/json"
_CHUNKED = b"Transfer-Encoding: chunked"
_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_BODY), _BODY)

_REFUSED = (400, 431, CLOSED)
_WAITS = (SILENT,)
"""What is not complete is waited for: a proxy gives it up."""


def malformed_http() -> list[Exchange]:
    """Return all of them."""
    return [*_lengths(), *_chunks(), *_heads(), *large_heads(), *_sequences(), *_fragments()]


def _post(*lines: bytes, body: bytes = _BODY, first: bytes = b"POST /predict HTTP/1.1") -> bytes:
    return b"\r\n".join([first, b"Host: x", _TYPE, *lines, b"", body])


def _lengths() -> Iterator[Exchange]:
    lengths = {
        "negative": b"Content-Length: -5",
        "text": b"Content-Length: many",
        "hexadecimal": b"Content-Length: 0x10",
        "signed": b"Content-Length: +5",
        "with a comma": _LENGTH + b", 5",
        "two words": b"Content-Length: 5 5",
        "beyond 64 bits": b"Content-Length: " + b"9" * 30,
        "none to be read": b"Content-Length:",
    }
    for what, line in lengths.items():
        yield Exchange(f"a length that is {what}", _post(line), _REFUSED)
    yield Exchange("two lengths", _post(_LENGTH, b"Content-Length: 5"), _REFUSED)
    yield Exchange("a length said twice", _post(_LENGTH, _LENGTH), _REFUSED)
    yield Exchange("no length", _post(body=b""), (400, 411, 422))
    yield Exchange("a length that is too long", _post(b"Content-Length: %d" % (len(_BODY) + 9)), _WAITS)
    yield Exchange("a length that is too short", _post(b"Content-Length: 9"), (400, 422))
    yield Exchange("length and chunks", _post(_LENGTH, _CHUNKED, body=_CHUNKS), _REFUSED)
    yield Exchange("chunks and length", _post(_CHUNKED, _LENGTH, body=_CHUNKS), _REFUSED)


def _chunks() -> Iterator[Exchange]:
    yield Exchange("chunks", _post(_CHUNKED, body=_CHUNKS), (200,))
    chunks = {
        "a size that is no number": b"zz\r\n",
        "a negative size": b"-5\r\nabcde\r\n0\r\n\r\n",
        "a size beyond 64 bits": b"f" * 20 + b"\r\n",
        "more than its size": b"3\r\nabcdef\r\n0\r\n\r\n",
        "a bare line feed": b"3\nabc\n0\n\n",
    }
    for what, body in chunks.items():
        yield Exchange(f"a chunk with {what}", _post(_CHUNKED, body=body), (*_REFUSED, 422))
    yield Exchange("chunks without an end", _post(_CHUNKED, body=_CHUNKS[:-5]), _WAITS)
    for coding in (
        b"xchunked",
        b"chunked, identity",
        b"gzip, chunked",
        b"identity",
        b"\x0bchunked",
        b"chunked\x00",
    ):
        coded = _post(b"Transfer-Encoding: " + coding, body=_CHUNKS)
        yield Exchange(f"transfer coding {coding!r}", coded, (*_REFUSED, 200, 415, 422, 501))
    yield Exchange("9 MiB of chunks", partial(_many_chunks, 9), (413,))


def _many_chunks(megabytes: int) -> Iterable[bytes]:
    yield _post(_CHUNKED, body=b"")
    for _ in range(megabytes):
        yield b"100000\r\n" + b" " * 2**20 + b"\r\n"
    yield b"0\r\n\r\n"


def _heads() -> Iterator[Exchange]:
    firsts = {
        "no version": b"POST /predict",
        "version 0.9": b"GET /health HTTP/0.9",
        "version 9": b"GET /health HTTP/9.9",
        "a version of letters": b"GET /health HTTP/x.y",
        "an unknown method": b"BREW /predict HTTP/1.1",
        "a method of control bytes": b"\x01\x02 /predict HTTP/1.1",
        "a lower-case method": b"post /predict HTTP/1.1",
        "a space in the path": b"GET /hea lth HTTP/1.1",
        "a NUL in the path": b"GET /he\x00alth HTTP/1.1",
        "bytes that are no ASCII": b"GET /\xff\xfe HTTP/1.1",
        "no path": b"GET  HTTP/1.1",
        "an asterisk": b"OPTIONS * HTTP/1.1",
        "another scheme": b"GET ftp://x/health HTTP/1.1",
        "a tunnel": b"CONNECT example.org:443 HTTP/1.1",
    }
    for what, first in firsts.items():
        sent = b"\r\n".join([first, b"Host: x", b"", b""])
        yield Exchange(f"a first line with {what}", sent, (*_REFUSED, 200, 404, 405, 415, 422))
    lines = {
        "no colon": b"Nonsense",
        "a space before the colon": b"X-Key : 1",
        "no name": b": 1",
        "a folded value": b"X-Key: 1\r\n 2",
        "a NUL in the value": b"X-Key: \x001",
        "a NUL in the name": b"X-\x00Key: 1",
        "a bare carriage return": b"X-Key: 1\rX-Other: 2",
        "a control byte": b"X-Key: \x07",
    }
    for what, line in lines.items():
        yield Exchange(f"a header with {what}", _post(line, _LENGTH), (*_REFUSED, 200))
    yield Exchange("bare line feeds", _post(_LENGTH).replace(b"\r\n", b"\n"), (*_REFUSED, 200))
    hosts = (b"Host: x\r\nHost: y", b"Host: a b", b"Host: " + CANARY.encode() + b"@x/..", b"Host:")
    for host in hosts:
        sent = b"GET /health HTTP/1.1\r\n" + host + b"\r\n\r\n"
        yield Exchange(f"{host!r}", sent, (*_REFUSED, 200))
    yield Exchange("no host", b"GET /health HTTP/1.1\r\n\r\n", (*_REFUSED, 200))
    for kind in ("websocket", "h2c"):
        upgrade = request("GET", "/health", Connection="Upgrade", Upgrade=kind)
        yield Exchange(f"an upgrade to {kind}", upgrade, (*_REFUSED, 200, 426))
    yield Exchange("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", _REFUSED)
    yield Exchange("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), (*_REFUSED, SILENT))
    yield Exchange("an invitation asked for", _post(_LENGTH, b"Expect: 100-continue"), (200, 417))
    yield Exchange("another expectation", _post(_LENGTH, b"Expect: " + CANARY.encode()), (200, 417))


def large_heads() -> Iterator[Exchange]:
    """Yield heads, and trailers, of which there is too much."""
    yield Exchange("a path of 1 MB", request("GET", "/" + "a" * 10**6), (431, 414, CLOSED))
    yield Exchange("a query of 1 MB", request("GET", "/health?" + "a" * 10**6), (431, 414, CLOSED))
    yield Exchange("a header of 1 MB", posted("/predict", _BODY, X_Long="a" * 10**6), (431, CLOSED))
    many = b"\r\n".join(b"X-%d: 1" % number for number in range(10_000))
    yield Exchange("10,000 headers", _post(many, _LENGTH), (431, CLOSED))
    yield Exchange("a head without end", partial(_endless, b"X-More: 1\r\n" * 1_000), (431, CLOSED))
    yield Exchange("a header without end", partial(_endless, b"a" * 10_000), (431, CLOSED))
    trailers = _CHUNKS[:-2] + b"X-More: 1\r\n" * 100_000 + b"\r\n"
    yield Exchange("trailers of 1 MB", _post(_CHUNKED, body=trailers), (200, 400, 431, CLOSED))


def _endless(piece: bytes) -> Iterable[bytes]:
    yield b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Long: "
    for _ in range(3_000):
        yield piece


def _sequences() -> Iterator[Exchange]:
    yield Exchange("100 requests at once", request("GET", "/health") * 100, (200,))
    yield Exchange("a good one, then nonsense", posted("/predict", _BODY) + b"\x00\x01\r\n\r\n", (200, 400))
    smuggled = b"0\r\n\r\nGET /model-info HTTP/1.1\r\nHost: x\r\n\r\n"
    yield Exchange("a request in a body", _post(_CHUNKED, b"Content-Length: 4", body=smuggled), _REFUSED)
    yield Exchange("a body on a GET", request("GET", "/health", _BODY), (200,))


def _fragments() -> Iterator[Exchange]:
    whole = posted("/predict", _BODY)
    yield Exchange("a byte at a time", partial(_bytewise, whole), (200,))
    for what, sent in {
        "nothing": b"",
        "a letter": b"P",
        "half a head": whole[:40],
        "half a body": whole[:-9],
    }.items():
        yield Exchange(f"{what}, and then silence", sent, _WAITS)
    yield Exchange("line ends alone", b"\r\n" * 100, (SILENT, *_REFUSED))
    yield Exchange("1 MB of zeros", bytes(10**6), _REFUSED)


def _bytewise(whole: bytes) -> Iterable[bytes]:
    for number in range(len(whole)):
        yield whole[number : number + 1]
