"""Workers of two instances behind nginx are killed (SIGKILL) one after the other."""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from contract.bundle import current_version
from trials.client import Golden, Tally, keep_asking
from trials.nginx import UNLIMITED, before
from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import ARTIFACTS, LONGEST_START, Service, serving, wait_until
from trials.workers import is_replaced, workers_ready

KIND = "chaos"
PASSES = "None of at least 100,000 requests fails, and every answer is golden"

WORKERS = 2
LONGEST_SECONDS = 600.0
"""Of killing, until it is given up that there was enough."""

Enough: TypeAlias = Callable[[Tally, int], bool]
"""Takes what was met, and how many were killed."""

NO_RETRY = {"error timeout non_idempotent": "off"}


def run(long: bool) -> Outcome:
    """Kill until 100,000 are answered, and for 3 minutes; or until 1,000 are, and 2 killed."""
    least_kills, least = (20, 100_000) if long else (2, 1_000)
    until = time.monotonic() + (180 if long else 0)

    def enough(tally: Tally, kills: int) -> bool:
        return kills >= least_kills and tally.good >= least and time.monotonic() >= until

    with serving(workers=WORKERS) as one, serving(workers=WORKERS) as other:
        tally, kills = _killed((one, other), UNLIMITED, enough)
        without, _ = _killed((one, other), UNLIMITED | NO_RETRY, _is_noticed)
    return Outcome(
        lines=[
            at_least("kills", kills, least_kills),
            at_least("answers", tally.good, least),
            exactly("requests failed", tally.failed, 0),
            exactly("answers not golden", tally.wrong, 0),
            exactly("answers other than 200", tally.not_200, 0),
        ],
        controls=[
            Control(
                what="nginx that does not ask the other instance",
                failed=_is_noticed(without, 0),
                seen=f"{without.failed + without.not_200} requests failed",
            )
        ],
    )


def _is_noticed(tally: Tally, _: int) -> bool:
    """Whether a request failed; only one that is under way at that worker does, which is chance."""
    return tally.failed + tally.not_200 > 0


def _killed(services: tuple[Service, Service], changes: dict[str, str], enough: Enough) -> tuple[Tally, int]:
    """Return what a client met while workers were killed until it was enough, and how many were."""
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    with before((services[0].port, services[1].port), changes) as port:
        return asyncio.run(_under_load(port, golden, services, enough))


async def _under_load(
    port: int, golden: Golden, services: tuple[Service, Service], enough: Enough
) -> tuple[Tally, int]:
    tally = Tally()
    killing = asyncio.create_task(asyncio.to_thread(_kill, services, tally, enough))
    await keep_asking(port, golden, lambda: not killing.done(), connections=8, tally=tally)
    return tally, await killing


def _kill(services: tuple[Service, Service], tally: Tally, enough: Enough) -> int:
    kills, last = 0, time.monotonic() + LONGEST_SECONDS
    while not enough(tally, kills) and time.monotonic() < last:
        service = services[kills % 2]
        wait_until(partial(_is_whole, service), LONGEST_START)
        victim = random.choice(service.workers())  # noqa: S311 - any will do
        time.sleep(0.3)
        victim.kill()
        kills += 1
        wait_until(partial(is_replaced, service, victim, WORKERS), LONGEST_START)
    return kills


def _is_whole(service: Service) -> bool:
    return workers_ready(service) == WORKERS
