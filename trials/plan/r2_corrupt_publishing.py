"""CURRENT comes to name a version that is not whole, and a worker is killed meanwhile."""

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from contract.bundle import current_version, switch_current, versions
from trials.alterations import Alteration, bit_flips, mistakes, truncations
from trials.altered_bundle import edit_manifest
from trials.client import Golden, Tally, keep_asking
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.published import copied_artifacts
from trials.service import Service, serving, variant, wait_until
from trials.workers import is_replaced, versions_of_workers, workers_ready

KIND = "chaos"
PASSES = (
    "20 times: the old version goes on answering, none of a client that tries twice fail, and a killed "
    "worker comes back on the old version"
)

WORKERS = 2
RELOAD = "0.2"
READY_SECONDS = 15.0


def run(long: bool) -> Outcome:
    """20 times: 2 minutes; or twice."""
    times = 20 if long else 2
    with copied_artifacts() as artifacts:
        old = current_version(artifacts)
        golden = Golden(artifacts, [old])
        with serving(artifacts=artifacts, workers=WORKERS, PHONE_PRICE_RELOAD_SECONDS=RELOAD) as service:
            wait_until(lambda: workers_ready(service) == WORKERS, READY_SECONDS)
            asked, slowest, told = asyncio.run(_under_load(service, artifacts, golden, times))
            left = versions_of_workers(service)
        up = left == {old: WORKERS}
    return Outcome(
        lines=[
            at_least("corrupt versions", told, times),
            exactly("failed with one retry", asked.failed, 0),
            exactly("answers not golden, or not 200", asked.wrong + asked.not_200, 0),
            exactly("answers of another version", asked.statuses.total() - asked.versions[old], 0),
            at_most("slowest return of a killed worker", slowest, READY_SECONDS, "s"),
            exactly("workers not on the old version", int(not up), 0),
        ],
        controls=[_believing()],
        figures={"answers": asked.good},
    )


async def _under_load(
    service: Service, artifacts: Path, golden: Golden, times: int
) -> tuple[Tally, float, int]:
    breaking = asyncio.create_task(asyncio.to_thread(_break, service, artifacts, times))
    tally = await keep_asking(service.port, golden, lambda: not breaking.done(), retry=True, pause=0.005)
    return tally, *(await breaking)


def _break(service: Service, artifacts: Path, times: int) -> tuple[float, int]:
    """Return the slowest return of a killed worker, and how many corrupt versions `/health` told of."""
    slowest, told = 0.0, 0
    for number in range(times):
        version = _publish_corrupt(artifacts, str(number), partial(_alteration, number))
        told += wait_until(partial(_tells_of, service, version), 10) < 10
        victim = service.workers()[number % WORKERS]
        victim.kill()
        slowest = max(slowest, wait_until(partial(is_replaced, service, victim, WORKERS), READY_SECONDS))
    return slowest, told


def _publish_corrupt(artifacts: Path, name: str, chosen: Callable[[Path], Alteration]) -> str:
    """Copy the version that is whole under a new name, alter it, and make CURRENT name it."""
    whole = min(versions(artifacts))
    version = f"{whole}-corrupt-{name}"
    directory = Path(shutil.copytree(artifacts / whole, artifacts / version))
    edit_manifest(directory, lambda told: told.update(version=version))
    chosen(directory).apply(directory)
    switch_current(artifacts, version)
    return version


def _alteration(number: int, directory: Path) -> Alteration:
    """Take one of each kind in turn."""
    kinds = [
        list(truncations(directory, "weights.safetensors", 20)),
        list(bit_flips(directory, 20)),
        mistakes(),
        list(truncations(directory, "manifest.json", 20)),
    ]
    kind = kinds[number % len(kinds)]
    return kind[number * 7 % len(kind)]


def _tells_of(service: Service, version: str) -> bool:
    """Whether the log says that this version is refused."""
    log = service.log.read_text(errors="replace")
    return any(version in line and "is refused" in line for line in log.splitlines())


def _believing() -> Control:
    """A service that does not look at what it loads answers with what was damaged."""
    with copied_artifacts() as artifacts:
        old = current_version(artifacts)
        golden = Golden(artifacts, [old])
        with serving(
            artifacts=artifacts, command=variant("unverified"), PHONE_PRICE_RELOAD_SECONDS=RELOAD
        ) as service:
            _publish_corrupt(artifacts, "believed", lambda _: mistakes()[-1])
            wait_until(lambda: "from now on" in service.log.read_text(errors="replace"), 5)
            asked = asyncio.run(_ask_a_while(service, golden))
    return Control(
        what="a service that believes whatever CURRENT names",
        failed=asked.wrong > 0,
        seen=f"{asked.wrong} of {asked.good + asked.wrong} answers are not golden",
    )


async def _ask_a_while(service: Service, golden: Golden) -> Tally:
    rounds = iter(range(50))
    return await keep_asking(service.port, golden, lambda: next(rounds, None) is not None, connections=2)
