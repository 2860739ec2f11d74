"""Workers of two instances behind nginx are killed (SIGKILL) one after the other."""

import asyncio
import random
import time
from functools import partial

from contract.bundle import current_version
from trials.client import Golden, Tally, keep_asking
from trials.nginx import UNLIMITED, before
from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import ARTIFACTS, Service, serving, wait_until
from trials.workers import is_replaced, workers_ready

KIND = "chaos"
PASSES = "None of at least 100,000 requests fails, and every answer is golden"

WORKERS = 2
NO_RETRY = {"error timeout non_idempotent": "off"}


def run(long: bool) -> Outcome:
    """Kill until 100,000 are answered, 3 minutes; or for 6 s."""
    seconds, least = (180, 100_000) if long else (6, 1_000)
    with serving(workers=WORKERS) as one, serving(workers=WORKERS) as other:
        tally, kills = _killed((one, other), UNLIMITED, seconds)
        without, _ = _killed((one, other), UNLIMITED | NO_RETRY, 6)
    return Outcome(
        lines=[
            at_least("kills", kills, 20 if long else 1),
            at_least("answers", tally.good, least),
            exactly("requests failed", tally.failed, 0),
            exactly("answers not golden", tally.wrong, 0),
            exactly("answers other than 200", tally.not_200, 0),
        ],
        controls=[
            Control(
                what="nginx that does not ask the other instance",
                failed=without.failed + without.not_200 > 0,
                seen=f"{without.failed + without.not_200} requests failed",
            )
        ],
    )


def _killed(services: tuple[Service, Service], changes: dict[str, str], seconds: float) -> tuple[Tally, int]:
    """Return what a client met while workers were killed for so many seconds, and how many were."""
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    with before((services[0].port, services[1].port), changes) as port:
        return asyncio.run(_under_load(port, golden, services, seconds))


async def _under_load(
    port: int, golden: Golden, services: tuple[Service, Service], seconds: float
) -> tuple[Tally, int]:
    killing = asyncio.create_task(asyncio.to_thread(_kill, services, seconds))
    tally = await keep_asking(port, golden, lambda: not killing.done(), connections=8)
    return tally, await killing


def _kill(services: tuple[Service, Service], seconds: float) -> int:
    kills, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        service = services[kills % 2]
        wait_until(partial(_is_whole, service), 15)
        victim = random.choice(service.workers())  # noqa: S311 - any will do
        time.sleep(0.3)
        victim.kill()
        kills += 1
        wait_until(partial(is_replaced, service, victim, WORKERS), 15)
    return kills


def _is_whole(service: Service) -> bool:
    return workers_ready(service) == WORKERS
