"""A client that comes again when it was told to, and notes how long each answer took."""

import asyncio
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import numpy as np

from trials.bad_requests import phone
from trials.client import BrokenConnectionError, Connection


@dataclass
class Experience:
    """What polite clients met."""

    answered: list[float] = field(default_factory=list)
    """Seconds of each 200."""
    refused: list[float] = field(default_factory=list)
    """Seconds of each 503 with Retry-After."""
    others: int = 0
    """Any other status, a refusal without Retry-After, and broken connections."""

    def percentile(self, seconds: list[float], share: float = 0.99) -> float:
        """Return the seconds within which this share came; NaN where there is none."""
        return float(np.quantile(seconds, share)) if seconds else float("nan")


async def ask_politely(port: int, until: float, connections: int, pause: float) -> Experience:
    """Ask on so many connections until `time.monotonic` is `until`, with a pause after each answer."""
    experience = Experience()
    askers = (
        _ask(Connection(port), until, pause * (1 + n / connections), experience) for n in range(connections)
    )
    await asyncio.gather(*askers)
    return experience


async def _ask(connection: Connection, until: float, pause: float, experience: Experience) -> None:
    body = phone()
    while time.monotonic() < until:
        wait = pause
        try:
            answered = await connection.post("/predict", body)
        except BrokenConnectionError:
            experience.others += 1
            continue
        if answered.status == 200:
            experience.answered.append(answered.seconds)
        elif answered.status == 503 and "retry-after" in answered.headers:
            experience.refused.append(answered.seconds)
            wait = float(answered.headers["retry-after"])
        else:
            experience.others += 1
        await asyncio.sleep(min(wait, max(0.0, until - time.monotonic())))
    connection.close()


def look_at_health(port: int, until: float, per_second: float = 10) -> tuple[list[float], int]:
    """Look on a connection of its own each time; return the seconds of each look, and how many failed."""
    seconds, failed = [], 0
    while time.monotonic() < until:
        start = time.monotonic()
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            failed += connection.getresponse().status != 200
        except (OSError, HTTPException):
            failed += 1
        finally:
            connection.close()
        seconds.append(time.monotonic() - start)
        time.sleep(max(0.0, start + 1 / per_second - time.monotonic()))
    return seconds, failed
