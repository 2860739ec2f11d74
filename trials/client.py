"""A client that knows the right answers, and what became of each of its requests.

Own code over asyncio's streams, as a trial must know what no HTTP library tells: whether a request had been
sent whole when its connection broke.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from contract.bundle import Bundle, read_version
from contract.phone import Phone
from service.engine import load_engine

TOLERANCE = 1e-5
"""Between a probability and the golden one, as of every engine."""


class BrokenConnectionError(Exception):
    """A connection ended before the answer did."""

    def __init__(self, reason: str, sent: float | None) -> None:
        super().__init__(reason)
        self.sent = sent
        """When the request had been handed to the kernel, if it had, by `time.monotonic`."""


@dataclass
class Answered:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: float
    """When the request had been handed to the kernel, by `time.monotonic`."""
    seconds: float
    """From then to the answer's last byte."""


class Connection:
    """A keep-alive connection, made when needed and again after it broke."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.port = port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> Answered:
        """Post JSON. Raises `BrokenConnectionError`."""
        sent = None
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{self._headers}"
        try:
            reader, writer = self._streams or await asyncio.open_connection("127.0.0.1", self.port)
            writer.transport.set_write_buffer_limits(0)  # all is with the kernel when `drain` returns
            self._streams = reader, writer
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            sent = time.monotonic()
            answered = await _read(reader, sent)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise BrokenConnectionError(type(error).__name__, sent) from None
        if answered.headers.get("connection", "").lower() == "close":
            self.close()
        return answered

    def close(self) -> None:
        """End the connection; the next request makes another."""
        if self._streams:
            self._streams[1].close()
        self._streams = None


async def _read(reader: asyncio.StreamReader, sent: float) -> Answered:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answered(int(status.split()[1]), headers, body, sent, time.monotonic() - sent)


@dataclass
class Tally:
    """What became of all requests."""

    good: int = 0
    wrong: int = 0
    """Answered with 200 and not with the golden answer of the version that the answer names."""
    failed: int = 0
    """Broken off, the second time where a request is made again."""
    retried: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """Of each 200."""

    @property
    def not_200(self) -> int:
        """Whole answers with another status."""
        return self.statuses.total() - self.statuses[200]

    @property
    def share_good(self) -> float:
        """The share of all requests that got the golden answer."""
        return self.good / max(1, self.good + self.failed + self.not_200 + self.wrong)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the 200s came; NaN where none did."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


class Golden:
    """The right answers of each version to the golden phones of the first: by torch, which does not serve."""

    def __init__(self, artifacts: Path, versions: Sequence[str]) -> None:
        bundles = [read_version(artifacts, version) for version in versions]
        phones = [row.phone for row in bundles[0].manifest.golden_rows]
        self.bodies = [phone.model_dump_json().encode() for phone in phones]
        self._right = {each.manifest.version: _by_torch(each, phones) for each in bundles}

    def is_right(self, number: int, answer: Mapping[str, Any]) -> bool:
        """Whether an answer to `bodies[number]` is that of the version that it names."""
        right = self._right.get(answer["model_version"])
        return right is not None and _agrees(right[number], answer)


def _by_torch(bundle: Bundle, phones: Sequence[Phone]) -> list[list[float]]:
    features = np.array([list(phone.model_dump().values()) for phone in phones], np.float32)
    probabilities: list[list[float]] = load_engine("torch", bundle).predict(features).tolist()
    return probabilities


def _agrees(right: Sequence[float], answer: Mapping[str, Any]) -> bool:
    told = answer["probabilities"]
    near = all(abs(a - b) <= TOLERANCE for a, b in zip(told, right, strict=True))
    return near and answer["price_range"] == told.index(max(told))


async def keep_asking(
    port: int,
    golden: Golden,
    goes_on: Callable[[], bool],
    *,
    connections: int = 8,
    retry: bool = False,
    pause: float = 0.0,
    tally: Tally | None = None,
) -> Tally:
    """Ask for predictions on so many connections for as long as it `goes_on`, and check every answer.

    With `retry` a request whose connection broke is made once more at once on another. `pause` is the seconds
    between an answer and the next request of a connection. A `tally` that is given can be looked at
    meanwhile.
    """
    tally = tally or Tally()
    askers = (
        _ask(Connection(port), golden, goes_on, tally, first, retry, pause) for first in range(connections)
    )
    await asyncio.gather(*askers)
    return tally


async def _ask(
    connection: Connection,
    golden: Golden,
    goes_on: Callable[[], bool],
    tally: Tally,
    number: int,
    retry: bool,
    pause: float,
) -> None:
    while goes_on():
        number = (number + 1) % len(golden.bodies)
        try:
            try:
                answered = await connection.post("/predict", golden.bodies[number])
            except BrokenConnectionError:
                if not retry:
                    raise
                tally.retried += 1
                answered = await connection.post("/predict", golden.bodies[number])
        except BrokenConnectionError:
            tally.failed += 1
            await asyncio.sleep(0.01)  # where nobody listens, asking without end would keep others waiting
            continue
        note(tally, golden, number, answered)
        await asyncio.sleep(pause)
    connection.close()


def note(tally: Tally, golden: Golden, number: int, answered: Answered) -> None:
    """Count an answer to `golden.bodies[number]`."""
    tally.statuses[answered.status] += 1
    if answered.status != 200:
        return
    answer = json.loads(answered.body)
    tally.versions[answer["model_version"]] += 1
    tally.seconds.append(answered.seconds)
    if golden.is_right(number, answer):
        tally.good += 1
    else:
        tally.wrong += 1
