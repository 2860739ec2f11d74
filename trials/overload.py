"""2,000 connections ask for more than a service can do, while some others are polite and one looks on."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from trials.h2load import Load, load
from trials.polite_client import Experience, ask_politely, look_at_health
from trials.service import Service

CLIENTS = 2_000
POLITE = 20
WARM_UP = 3
"""Seconds in which 2,000 connections are made."""

PAUSE = 0.05
"""Seconds between an answer to a polite client and its next question."""


@dataclass
class Overloaded:
    """What came of it."""

    load: Load
    polite: Experience
    health: list[float]
    """Seconds of each look at the health."""
    health_failed: int
    most_resident: int
    """Bytes."""


def capacity(service: Service, seconds: float) -> float:
    """Return the predictions per second for as many connections, each of which asks again at once."""
    return load(service.port, CLIENTS, seconds, warm_up=WARM_UP).per_second()


def overload(service: Service, rate: float, seconds: float) -> Overloaded:
    """Offer `rate` requests per second."""
    with ThreadPoolExecutor() as pool:
        until = time.monotonic() + WARM_UP + seconds
        asked = pool.submit(load, service.port, CLIENTS, seconds, rate, WARM_UP)
        polite = pool.submit(asyncio.run, ask_politely(service.port, until, POLITE, PAUSE))
        health = pool.submit(look_at_health, service.port, until)
        resident = 0
        while not asked.done():
            resident = max(resident, service.resident_bytes())
            time.sleep(0.1)
        return Overloaded(asked.result(), polite.result(), *health.result(), resident)
