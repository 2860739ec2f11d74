"""The served version is changed again and again, A to B and back, while both are asked for answers."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract.bundle import switch_current
from trials.client import Golden, Tally, keep_asking
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.service import SERVE, Service, serving, variant, wait_until
from trials.versions import Versions, two_versions
from trials.workers import versions_of_workers

KIND = "chaos"
PASSES = (
    "50 times: none of a client that tries twice fail; every answer is exactly A's or B's golden one; once "
    "every worker tells of the new version all answers are of it; memory after it is at most 10 % more"
)

WORKERS = 2
RELOAD = "0.2"


@dataclass
class Switches:
    """What the switching came to."""

    slowest: float = 0.0
    """Seconds until every worker answered with the new version."""
    old_after: int = 0
    """Answers of the old version after that."""
    grown: float = 0.0


def run(long: bool) -> Outcome:
    """50 times: a minute; or 4 times."""
    with tempfile.TemporaryDirectory() as folder:
        versions = two_versions(Path(folder))
        asked, switches = _switched(versions, SERVE, WORKERS, 50 if long else 4)
        switch_current(versions.artifacts, versions.a)
        without, _ = _switched(versions, variant("mixed_up"), 1, 2)
    return Outcome(
        lines=[
            at_least("switches", 50 if long else 4, 50 if long else 4),
            exactly("failed with one retry", asked.failed, 0),
            exactly("answers not golden", asked.wrong, 0),
            exactly("other than 200", asked.not_200, 0),
            at_least("answers of the rarer version", min(asked.versions.values(), default=0), 100),
            exactly("versions that answered", len(asked.versions), 2),
            exactly("answers of the old one after a reload's end", switches.old_after, 0),
            at_most("slowest reload", switches.slowest, 5, "s"),
            at_most("memory", switches.grown, 1.10, "times"),
        ],
        controls=[
            Control(
                what="a service that answers with the old engine in the new version's name",
                failed=without.wrong > 0,
                seen=f"{without.wrong} answers are not golden",
            )
        ],
        figures={"answers": asked.good},
    )


def _switched(versions: Versions, command: Sequence[str], workers: int, times: int) -> tuple[Tally, Switches]:
    golden = Golden(versions.artifacts, [versions.a, versions.b])
    with serving(
        artifacts=versions.artifacts,
        workers=workers,
        command=command,
        PHONE_PRICE_RELOAD_SECONDS=RELOAD,
    ) as service:
        return asyncio.run(_under_load(service, versions, golden, workers, times))


async def _under_load(
    service: Service, versions: Versions, golden: Golden, workers: int, times: int
) -> tuple[Tally, Switches]:
    switching = asyncio.create_task(asyncio.to_thread(_switch, service, versions, golden, workers, times))
    tally = await keep_asking(service.port, golden, lambda: not switching.done(), retry=True, pause=0.002)
    return tally, await switching


def _switch(service: Service, versions: Versions, golden: Golden, workers: int, times: int) -> Switches:
    switches = Switches()
    resident = 0
    for number in range(times):
        new = (versions.b, versions.a)[number % 2]
        switch_current(versions.artifacts, new)
        start = time.monotonic()
        wait_until(partial(_all_answer_with, service, {new: workers}), 10)
        switches.slowest = max(switches.slowest, time.monotonic() - start)
        after = asyncio.run(_some(service, golden))
        switches.old_after += after.statuses.total() - after.versions[new]
        if number == 1:  # by now both versions have been loaded once
            resident = service.resident_bytes()
    switches.grown = service.resident_bytes() / resident
    return switches


def _all_answer_with(service: Service, versions: dict[str, int]) -> bool:
    return versions_of_workers(service) == versions


async def _some(service: Service, golden: Golden) -> Tally:
    until = time.monotonic() + 0.1
    return await keep_asking(service.port, golden, lambda: time.monotonic() < until, connections=4)
