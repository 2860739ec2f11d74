"""A thousand clients send the heads of their requests, or their bodies, a byte at a time and never end."""

import asyncio
import time
from contextlib import ExitStack
from socket import create_connection, socket

from contract.bundle import current_version
from trials.bad_requests import phone
from trials.client import Golden, Tally, keep_asking
from trials.h2load import allow_many_connections
from trials.outcome import Control, Outcome, at_least, at_most
from trials.raw_http import posted
from trials.service import ARTIFACTS, Service, serving

KIND = "load"
PASSES = (
    "Without a proxy, which would end them (deploy/nginx.conf): of the good clients 99.9 % are answered "
    "beside slow heads, p99 at most twice as long or 20 ms; slow bodies are told, not judged"
)

SLOW = 1_000
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Slow: "


def run(long: bool) -> Outcome:
    """120 s each; or 4 s."""
    seconds = 120 if long else 4
    allow_many_connections()
    with serving() as service:
        alone = asyncio.run(_good_clients(service, 2))
        with ExitStack() as slow:
            heads = _connected(service, HEAD, slow)
            beside = _beside(service, heads, seconds)
        with ExitStack() as slow:
            bodies = _connected(service, posted("/predict", phone())[:-200], slow)
            refused = _beside(service, bodies, 2)
    return Outcome(
        lines=[
            at_least("answered beside slow heads", 100 * beside.share_good, 99.9, "%"),
            at_most("p99", beside.percentile(0.99), max(0.02, 2 * alone.percentile(0.99)), "s"),
        ],
        controls=[
            Control(
                what="slow bodies, each of which takes a place: left to a proxy",
                failed=refused.share_good < 0.999,
                seen=f"{100 * refused.share_good:.0f} % are answered",
            )
        ],
        figures={"answers": beside.good},
    )


def _connected(service: Service, sent: bytes, slow: ExitStack) -> list[socket]:
    connections = []
    for _ in range(SLOW):
        connection = slow.enter_context(create_connection(("127.0.0.1", service.port), timeout=10))
        connection.sendall(sent)
        connections.append(connection)
    return connections


def _beside(service: Service, slow: list[socket], seconds: float) -> Tally:
    return asyncio.run(_good_and_slow(service, slow, seconds))


async def _good_and_slow(service: Service, slow: list[socket], seconds: float) -> Tally:
    dripping = asyncio.create_task(asyncio.to_thread(_drip, slow, seconds))
    tally = await _good_clients(service, seconds)
    await dripping
    return tally


def _drip(slow: list[socket], seconds: float) -> None:
    """Send another byte of each, about every second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for connection in slow:
            connection.sendall(b"1")
            time.sleep(1 / SLOW)


async def _good_clients(service: Service, seconds: float) -> Tally:
    until = time.monotonic() + seconds
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    return await keep_asking(
        service.port, golden, lambda: time.monotonic() < until, connections=4, pause=0.005
    )
