"""Requests as the bytes that they are, and what comes back: no HTTP library would send most of them."""

import json
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

CLOSED = 0
"""In place of a status: the connection was ended without an answer."""

SILENT = -1
"""Neither answered nor ended in time."""

SLOW_SECONDS = 1.0
"""After which an answer is asked for again."""

TRIES = 3
"""Until an answer counts as slow: a busy machine is so once, a fault each time."""


_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Exchange:
    """What is sent, and the statuses that are right."""

    name: str
    sent: bytes | Callable[[], Iterable[bytes]]
    """All at once, or piece by piece until the other side ends it."""
    right: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """The first answer, however it looks, and everything that came."""

    status: int
    received: bytes
    seconds: float

    @property
    def body(self) -> bytes:
        """What comes after the first head."""
        return self.received.partition(b"\r\n\r\n")[2]

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)


def request(method: str, path: str, body: bytes = b"", **headers: str | bytes) -> bytes:
    """Return a well-formed HTTP/1.1 request; underscores in the names of headers become hyphens."""
    lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: 127.0.0.1"]
    for name, value in ({"Content_Length": str(len(body))} | headers).items():
        text = value.encode("latin-1") if isinstance(value, str) else value
        lines.append(name.replace("_", "-").encode() + b": " + text)
    return b"\r\n".join([*lines, b"", body])


def posted(path: str, body: bytes, kind: str = "application/json", **headers: str | bytes) -> bytes:
    """Return a POST of a body."""
    return request("POST", path, body, Content_Type=kind, **headers)


def ask(port: int, sent: bytes | Callable[[], Iterable[bytes]], seconds: float = 5.0) -> Answer:
    """Send it on a connection of its own; wait no longer than so many seconds for the whole first answer."""
    start = time.monotonic()
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            for piece in [sent] if isinstance(sent, bytes) else sent():
                connection.sendall(piece)
        except OSError:  # it has been answered, or ended, before all was sent
            pass
        try:
            while not _is_whole(received):
                connection.settimeout(max(0.01, start + seconds - time.monotonic()))
                piece = connection.recv(1 << 20)
                if not piece:
                    break
                received += piece
        except TimeoutError:
            return Answer(_status(received) or SILENT, received, time.monotonic() - start)
        except OSError:
            pass
    return Answer(_status(received), received, time.monotonic() - start)


def _status(received: bytes) -> int:
    received = received.removeprefix(_GO_ON)
    words = received.split(b" ", 2)
    return int(words[1]) if received.startswith(b"HTTP/1.1 ") and len(words) == 3 else CLOSED


def _is_whole(received: bytes) -> bool:
    head, end, body = received.removeprefix(_GO_ON).partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return bool(end) and len(body) >= int(line.split(b": ")[1])
    return end != b"" and body.endswith(b"0\r\n\r\n")


@dataclass
class Findings:
    """What was wrong with the answers to many exchanges."""

    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    """Answered with another status than is right."""
    failed: int = 0
    """Answered with 500 or more where that is not right, as 501 is for a coding that is not known."""
    slowest: float = 0.0
    answers: dict[str, Answer] = field(default_factory=dict)
    """By the name of the exchange."""

    def also(self, other: Self) -> None:
        """Add what another round found."""
        self.asked += other.asked
        self.wrong += other.wrong
        self.failed += other.failed
        self.slowest = max(self.slowest, other.slowest)
        self.answers |= other.answers


def ask_patiently(port: int, sent: bytes | Callable[[], Iterable[bytes]], tries: int) -> Answer:
    """Ask again where the answer was slow, or did not come; return the quickest."""
    answers: list[Answer] = []
    while len(answers) < tries and all(each.seconds > SLOW_SECONDS for each in answers):
        answers.append(ask(port, sent))
    return min(answers, key=lambda each: each.seconds)


def ask_all(port: int, exchanges: Iterable[Exchange], silence: float = 1.0, tries: int = TRIES) -> Findings:
    """Ask one after the other; wait only `silence` seconds where silence is right."""
    findings = Findings()
    for exchange in exchanges:
        waits = SILENT in exchange.right
        answer = ask(port, exchange.sent, silence) if waits else ask_patiently(port, exchange.sent, tries)
        findings.asked += 1
        findings.answers[exchange.name] = answer
        findings.failed += answer.status >= 500 and answer.status not in exchange.right
        if answer.status not in exchange.right:
            findings.wrong.append(f"{exchange.name}: {answer.status}")
        if not waits:
            findings.slowest = max(findings.slowest, answer.seconds)
    return findings
