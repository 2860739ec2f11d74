"""A thousand clients send heads or bodies a byte at a time, to nginx with deploy/nginx.conf as it stands."""

import asyncio
import time
from contextlib import ExitStack
from socket import create_connection, socket

from contract.bundle import current_version
from trials.bad_requests import phone
from trials.client import Golden, Tally, keep_asking
from trials.h2load import allow_many_connections
from trials.nginx import before
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.raw_http import ask, posted
from trials.service import ARTIFACTS, Service, serving

KIND = "load"
PASSES = (
    "Of the good clients 99.9 % are answered, p99 at most twice as long as alone or 20 ms; slow heads are "
    "ended within 15 s; a body of 9 MiB is refused with 413"
)

SLOW = 1_000
PER_ADDRESS = 40
"""Connections; nginx allows 50 from one address."""

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = posted("/predict", phone())[:-200]


def run(long: bool) -> Outcome:
    """120 s; or 4 s, in which nginx gives nobody up."""
    seconds = 120 if long else 4
    allow_many_connections()
    with serving() as one, serving() as other, before((one.port, other.port), {}) as port:
        alone = asyncio.run(_good_clients(port, 2))
        beside, ended = _beside(port, seconds)
        too_large = ask(port, posted("/predict", b" " * 9 * 2**20)).status
    with serving() as service:
        without = _without_nginx(service)
    return Outcome(
        lines=[
            at_least("answered beside slow clients", 100 * beside.share_good, 99.9, "%"),
            at_most("p99", beside.percentile(0.99), max(0.02, 2 * alone.percentile(0.99)), "s"),
            at_least("slow heads ended", len(ended), SLOW // 2 if long else 0),
            at_most("the longest of them", max(ended, default=0.0), 15, "s"),
            exactly("status of 9 MiB", too_large, 413),
        ],
        controls=[
            Control(
                what="slow bodies without nginx",
                failed=without.share_good < 0.999,
                seen=f"{100 * without.share_good:.0f} % are answered",
            )
        ],
        figures={"answers": beside.good},
    )


class SlowClients:
    """Half of them send a head, half a body; whoever is ended comes again, from an address of its own."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self._port = port
        self._stack = stack
        self._since = [0.0] * SLOW
        self._sockets = [self._connected(number) for number in range(SLOW)]
        self.heads_ended: list[float] = []
        """Seconds after which each was."""

    def drip(self, seconds: float) -> None:
        """Send another byte of each, about every second."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for number, connection in enumerate(self._sockets):
                try:
                    connection.sendall(b"1")
                except OSError:
                    self._come_again(number)
                time.sleep(1 / SLOW)

    def _connected(self, number: int) -> socket:
        source = f"127.0.1.{1 + number // PER_ADDRESS}", 0
        connection = create_connection(("127.0.0.1", self._port), timeout=10, source_address=source)
        connection.sendall(HEAD if number % 2 else BODY)
        self._since[number] = time.monotonic()
        return self._stack.enter_context(connection)

    def _come_again(self, number: int) -> None:
        if number % 2:
            self.heads_ended.append(time.monotonic() - self._since[number])
        self._sockets[number].close()
        self._sockets[number] = self._connected(number)


def _beside(port: int, seconds: float) -> tuple[Tally, list[float]]:
    with ExitStack() as stack:
        slow = SlowClients(port, stack)
        return asyncio.run(_good_and_slow(port, slow, seconds)), slow.heads_ended


def _without_nginx(service: Service) -> Tally:
    with ExitStack() as stack:
        return asyncio.run(_good_and_slow(service.port, SlowClients(service.port, stack), 2))


async def _good_and_slow(port: int, slow: SlowClients, seconds: float) -> Tally:
    dripping = asyncio.create_task(asyncio.to_thread(slow.drip, seconds))
    tally = await _good_clients(port, seconds)
    await dripping
    return tally


async def _good_clients(port: int, seconds: float) -> Tally:
    """Ask a hundred times a second: nginx allows 200 to one address."""
    until = time.monotonic() + seconds
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    return await keep_asking(port, golden, lambda: time.monotonic() < until, connections=4, pause=0.04)
