"""A worker of four is killed (SIGKILL) while all of them answer."""

import asyncio
import random
from dataclasses import dataclass
from functools import partial

from contract.bundle import current_version
from trials.client import Golden, Tally, keep_asking
from trials.outcome import Control, Outcome, at_most, exactly
from trials.service import ARTIFACTS, Service, serving, wait_until
from trials.workers import connections_of, is_replaced, workers_ready

KIND = "chaos"
PASSES = (
    "20 kills: no more requests fail than connections were open to that worker, none with one retry; "
    "four workers are ready within 10 s under the same parent; every answer is golden"
)

WORKERS = 4
CONNECTIONS = 8
"""Of each client: the one that asks once more and the one that does not."""
READY_SECONDS = 10.0


@dataclass
class Kills:
    """What the killing came to."""

    connections: int = 0
    slowest: float = 0.0
    same_parent: bool = True


def run(long: bool) -> Outcome:
    """Kill 20 times, or 3."""
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    with serving(workers=WORKERS) as service:
        wait_until(lambda: workers_ready(service) == WORKERS, READY_SECONDS)
        once, twice, kills = asyncio.run(_under_load(service, golden, 20 if long else 3))
    return Outcome(
        lines=[
            at_most("requests failed", once.failed, kills.connections),
            exactly("failed with one retry", twice.failed, 0),
            at_most("slowest return to four workers", kills.slowest, READY_SECONDS, "s"),
            exactly("parents ended", int(not kills.same_parent), 0),
            exactly("answers not golden", once.wrong + twice.wrong, 0),
            exactly("answers other than 200", once.not_200 + twice.not_200, 0),
        ],
        controls=[_nobody_starts_it_again()],
        figures={"answers": once.good + twice.good, "retried": twice.retried},
    )


async def _under_load(service: Service, golden: Golden, times: int) -> tuple[Tally, Tally, Kills]:
    killing = asyncio.create_task(asyncio.to_thread(_kill, service, times))

    def goes_on() -> bool:
        return not killing.done()

    once, twice = await asyncio.gather(
        keep_asking(service.port, golden, goes_on, connections=CONNECTIONS),
        keep_asking(service.port, golden, goes_on, connections=CONNECTIONS, retry=True),
    )
    return once, twice, await killing


def _kill(service: Service, times: int) -> Kills:
    kills = Kills()
    for _ in range(times):
        victim = random.choice(service.workers())  # noqa: S311 - any will do
        victim.suspend()  # so that it takes no connection after they are counted
        kills.connections += connections_of(victim)
        victim.kill()
        kills.slowest = max(
            kills.slowest, wait_until(partial(is_replaced, service, victim, WORKERS), READY_SECONDS + 5)
        )
        kills.same_parent &= service.process.poll() is None
    return kills


def _nobody_starts_it_again() -> Control:
    """A service of one process has no parent that would start it again."""
    with serving() as service:
        service.process.kill()
        service.process.wait()
        seconds = wait_until(lambda: service.health() == 200, 3)
    return Control(
        what="a single process, which nobody starts again", failed=seconds > READY_SECONDS, seen="never ready"
    )
