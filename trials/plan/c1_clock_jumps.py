"""The clock jumps by hours and years, there and back, while the service answers and takes over a version."""

import asyncio
import json
import re
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.bundle import switch_current
from trials.bad_requests import phone
from trials.client import Golden, Tally, keep_asking
from trials.outcome import Control, Outcome, at_least, exactly
from trials.programs import MissingProgramError
from trials.raw_http import ask, posted, request
from trials.service import SERVE, Service, serving, variant, wait_until
from trials.versions import Versions, two_versions
from trials.workers import versions_of_workers

KIND = "chaos"
PASSES = "No request fails; no duration in log or metrics is negative or over 60 s; a version is taken over"

JUMPS = ("+0", "+1h", "-1h", "+365d", "-365d")
LONGEST_MILLISECONDS = 60_000

_SECONDS = re.compile(r"^phone_price_request_seconds_sum\{.*\} (\S+)$", re.MULTILINE)


_WHOLE = posted("/predict", phone())
_HALF, _REST = _WHOLE[:-50], _WHOLE[-50:]
"""Of a request that is under way while the clock jumps."""


@dataclass
class Jumped:
    """What the jumping came to."""

    asked: Tally
    reloaded: bool
    strange: int
    """Durations in log and metrics that cannot be."""
    years: int
    """Different years in the log: whether the clock has jumped at all."""


def run(long: bool) -> Outcome:
    """Each jump for 5 s, or for half a second."""
    seconds = 5 if long else 0.5
    with tempfile.TemporaryDirectory() as folder:
        versions = two_versions(Path(folder))
        jumped = _jumped(versions, SERVE, seconds)
        switch_current(versions.artifacts, versions.a)
        without = _jumped(versions, variant("wall_clock"), seconds)
    return Outcome(
        lines=[
            at_least("different years in the log", jumped.years, 3),
            exactly("requests that failed", jumped.asked.failed + jumped.asked.not_200, 0),
            exactly("wrong answers", jumped.asked.wrong, 0),
            exactly("versions not taken over", int(not jumped.reloaded), 0),
            exactly("strange durations", jumped.strange, 0),
        ],
        controls=[
            Control(
                what="a service that measures by the clock",
                failed=without.strange > 0,
                seen=f"{without.strange} strange durations",
            )
        ],
        figures={"answers": jumped.asked.good},
    )


def _jumped(versions: Versions, command: Sequence[str], seconds: float) -> Jumped:
    golden = Golden(versions.artifacts, [versions.a, versions.b])
    clock = versions.artifacts.with_name("clock")
    clock.write_text(JUMPS[0])
    told = {
        "LD_PRELOAD": _libfaketime(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PHONE_PRICE_RELOAD_SECONDS": "0.2",
        "PHONE_PRICE_LOG_FORMAT": "json",
    }
    with serving(artifacts=versions.artifacts, port=None, workers=1, command=command, **told) as service:
        asked, reloaded = asyncio.run(_under_load(service, versions, golden, clock, seconds))
        time.sleep(0.5)  # the log is written a moment later
        log, metrics = service.log.read_text(), _metrics(service)
    durations = [json.loads(line)["milliseconds"] for line in log.splitlines() if '"milliseconds"' in line]
    sums = [float(each) for each in _SECONDS.findall(metrics)]
    strange = [each for each in durations if not 0 <= each <= LONGEST_MILLISECONDS]
    strange += [each for each in sums if not 0 <= each <= 60]
    years = {line[10:14] for line in log.splitlines() if line.startswith('{"time": "')}
    return Jumped(asked, reloaded, len(strange), len(years))


async def _under_load(
    service: Service, versions: Versions, golden: Golden, clock: Path, seconds: float
) -> tuple[Tally, bool]:
    jumping = asyncio.create_task(asyncio.to_thread(_jump, service, versions, clock, seconds))
    tally = await keep_asking(service.port, golden, lambda: not jumping.done(), connections=4, pause=0.002)
    return tally, await jumping


def _jump(service: Service, versions: Versions, clock: Path, seconds: float) -> bool:
    """Set the clock to each place; whether the version named in between was taken over."""
    for number, jump in enumerate(JUMPS):
        with socket.create_connection(("127.0.0.1", service.port)) as under_way:
            under_way.sendall(_HALF)
            time.sleep(0.1)
            clock.write_text(jump)
            time.sleep(seconds)
            under_way.sendall(_REST)
            under_way.recv(65_536)
        if number == len(JUMPS) // 2:
            switch_current(versions.artifacts, versions.b)
    return wait_until(lambda: set(versions_of_workers(service)) == {versions.b}, 10) < 10


def _metrics(service: Service) -> str:
    return ask(service.port, request("GET", "/metrics")).body.decode()


def _libfaketime() -> str:
    """Return the path of Debian's libfaketime. Raises `MissingProgramError`."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise MissingProgramError("libfaketime is not there: apt-get install libfaketime")
    return str(found[0])
