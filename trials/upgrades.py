"""Requests that ask for another protocol, with bodies: nothing is upgraded here, so that changes nothing.

Each is sent twice, with its Upgrade and without, and followed by a question that ends the connection. The
answers to both conversations must be the same ones (RFC 9110, 7.8).
"""

import re
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from trials.mutations import valid_bodies
from trials.raw_http import request

PROTOCOLS = {
    "h2c": (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    ),
    "websocket": (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    ),
    "tea": b"Upgrade: tea/1\r\nConnection: upgrade\r\n",
    "two": b"Connection: Upgrade\r\nUpgrade: TLS/1.0, h2c\r\n",
}

PATHS = ("/health", "/model-info", "/metrics", "/v2", "/v1/models/phone-price", "/nowhere")

LAST = request("GET", "/health/live", Connection="close")
SMUGGLED = b"GET /model-card HTTP/1.1\r\nHost: x\r\n\r\n"

PAUSE = 0.02
"""Seconds between two segments, so that they are read one after the other."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True)
class Conversation:
    """A request in its segments, of which the head is without Upgrade."""

    name: str
    head: bytes
    body: bytes
    cut: str
    """Where it is cut into segments."""
    upgrade: bytes

    def segments(self, upgraded: bool) -> list[bytes]:
        """Return what is sent, the last question with it."""
        head = self.head + (self.upgrade if upgraded else b"") + b"\r\n"
        if self.cut == "nowhere":
            return [head + self.body + LAST]
        if self.cut == "after the head":
            return [head, self.body + LAST]
        half = len(self.body) // 2
        return [head[:-9], head[-9:] + self.body[:half], self.body[half:], LAST]


def conversations() -> list[Conversation]:
    """Return every route with every protocol, framing and cut."""
    cuts = ("nowhere", "after the head", "all over")
    return [
        Conversation(f"{name}, {protocol}, cut {cut}", head, body, cut, upgrade)
        for name, head, body in _requests()
        for (protocol, upgrade), cut in product(PROTOCOLS.items(), cuts)
    ]


def _requests() -> Iterator[tuple[str, bytes, bytes]]:
    for path in PATHS:
        yield f"GET {path}", f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode(), b""
    posts = [(each.path, each.kind, each.content, each.json_length) for each in valid_bodies()]
    for path, kind, content, json_length in [*posts, ("/predict", "application/json", SMUGGLED, None)]:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n".encode()
        if json_length is not None:
            head += b"Inference-Header-Content-Length: %d\r\n" % json_length
        yield f"POST {path} {kind}", head + b"Content-Length: %d\r\n" % len(content), content
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
        yield f"POST {path} {kind} in chunks", head + b"Transfer-Encoding: chunked\r\n", chunks


@dataclass
class Differences:
    """What the upgrades changed."""

    asked: int = 0
    answered: int = 0
    """With two answers without an Upgrade: the comparison shows something."""
    differing: list[str] = field(default_factory=list)


def differences(port: int, asked: Sequence[Conversation], seconds: float = 30.0) -> Differences:
    """Ask everything with its Upgrade and without; wait so many seconds for an end that does not come."""
    found = Differences()
    for each in asked:
        plain = statuses(port, each.segments(upgraded=False), seconds)
        upgraded = statuses(port, each.segments(upgraded=True), seconds)
        found.asked += 1
        found.answered += len(plain) == 2
        if plain != upgraded:
            found.differing.append(f"{each.name}: {upgraded}, not {plain}")
    return found


def statuses(port: int, segments: Sequence[bytes], seconds: float) -> list[int]:
    """Return the status of every answer until the connection ends."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for number, segment in enumerate(segments):
                time.sleep(PAUSE if number else 0)
                connection.sendall(segment)
            while piece := connection.recv(1 << 20):
                received += piece
        except OSError:  # it ended before all was sent, or did not end in time
            pass
    return [int(status) for status in _STATUS.findall(received)]
