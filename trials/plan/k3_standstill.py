"""A worker of two is stopped (SIGSTOP); another time its event loop stands still for ever."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import psutil

from contract.bundle import current_version
from trials.bad_requests import phone
from trials.client import Golden, Tally, keep_asking
from trials.outcome import Control, Outcome, at_most, exactly
from trials.raw_http import posted
from trials.service import ARTIFACTS, Service, serving, variant, wait_until
from trials.workers import connections_of, is_replaced, workers_ready

KIND = "chaos"
PASSES = (
    "Replaced within 2 s of the time that its supervisor, or the watchdog, has; no requests fail but those "
    "on its connections; the log has its stack"
)

WORKERS = 2
CONNECTIONS = 8
WATCHDOG = 2.0
SLACK = 2.0
STARTING, STARTING_BESIDE_OTHERS = 3.0, 12.0
"""Seconds in which a worker is started; the short form runs beside other trials and tests."""


def run(long: bool) -> Outcome:
    """The supervisor's 30 s, and 2 s for the loop; or 3 s and 2 s."""
    healthcheck = 30 if long else 3
    starting = STARTING if long else STARTING_BESIDE_OTHERS
    with _served(healthcheck, WATCHDOG) as service:
        stopped, stopped_failed = _under_load(service, _stop, healthcheck + 2 * SLACK + starting)
        blocked, blocked_failed = _under_load(service, _block, WATCHDOG + 2 * SLACK + starting)
        traced = "_values_or_stand_still" in service.log.read_text(errors="replace")
    with _served(healthcheck, 0) as service:
        unwatched, _ = _under_load(service, _block, WATCHDOG + SLACK + starting)
    return Outcome(
        lines=[
            at_most("stopped, until another is ready", stopped, healthcheck + SLACK + starting, "s"),
            exactly("failed beyond its connections", stopped_failed, 0),
            at_most("blocked, until another is ready", blocked, WATCHDOG + SLACK + starting, "s"),
            exactly("failed beyond its connections", blocked_failed, 0),
            exactly("stacks missing in the log", int(not traced), 0),
        ],
        controls=[
            Control(
                what="a service without a watchdog",
                failed=unwatched > WATCHDOG + SLACK + starting,
                seen="the worker stands still",
            )
        ],
        figures={
            "supervisor waits s": healthcheck,
            "watchdog waits s": WATCHDOG,
            "starting takes s": starting,
        },
    )


def _served(healthcheck: int, watchdog: float) -> AbstractContextManager[Service]:
    return serving(
        workers=WORKERS,
        command=variant("blocking"),
        PHONE_PRICE_WATCHDOG_SECONDS=str(watchdog),
        TRIAL_HEALTHCHECK=str(healthcheck),
    )


def _under_load(
    service: Service, stand_still: Callable[[Service], psutil.Process], longest: float
) -> tuple[float, int]:
    """Return the seconds until another worker is ready, and how many requests failed that should not have."""
    wait_until(lambda: workers_ready(service) == WORKERS, 10)
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    over = threading.Event()
    told: list[float] = []
    allowed: list[int] = []

    def fault() -> None:
        time.sleep(0.5)
        victim = stand_still(service)
        allowed.append(connections_of(victim))
        told.append(wait_until(partial(is_replaced, service, victim, WORKERS), longest))
        if victim.is_running():
            victim.kill()  # else whoever asked it waits for ever
        over.set()

    def goes_on() -> bool:
        return not over.is_set()

    async def story() -> Tally:
        failing = asyncio.create_task(asyncio.to_thread(fault))
        asking = keep_asking(
            service.port, golden, lambda: not over.is_set(), connections=CONNECTIONS, pause=0.01
        )
        tally = await asyncio.wait_for(asking, longest + 10)
        await failing
        return tally

    tally = asyncio.run(story())
    return told[0], max(0, tally.failed - allowed[0]) + tally.wrong + tally.not_200


def _stop(service: Service) -> psutil.Process:
    victim = service.workers()[0]
    victim.suspend()
    return victim


def _block(service: Service) -> psutil.Process:
    """Ask for what is never answered; return the worker that took the connection."""
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.sendall(posted("/predict", phone(n_cores=63)))
    mine = connection.getsockname()[1]
    time.sleep(0.2)
    (blocked,) = [each for each in service.workers() if mine in _ports_of_clients(each)]
    return blocked


def _ports_of_clients(worker: psutil.Process) -> set[int]:
    return {each.raddr.port for each in worker.net_connections("tcp") if each.raddr}
