"""Seven tenths of the peak for ten minutes, by one worker and by four."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from contract.bundle import current_version
from trials.client import Golden, Tally, keep_asking
from trials.h2load import Load, load
from trials.outcome import Control, Line, Outcome, at_least, at_most, exactly
from trials.service import ARTIFACTS, Service, serving, variant

KIND = "load"
PASSES = (
    "At least 1,000,000 requests each, all answered with 200, none of those looked at wrong; p99 at most "
    "five times p50, p99.9 at most 100 ms"
)

CONNECTIONS = 16
PAUSE = 0.02
"""Between the questions of the client that looks at its answers, which so gets one of a hundred."""


def run(long: bool) -> Outcome:
    """10 minutes each; or 2 s each."""
    seconds, least = (600, 1_000_000) if long else (2, 1_000)
    lines: list[Line] = []
    figures: dict[str, int] = {}
    for workers in (1, 4):
        with serving(workers=workers) as service:
            peak = load(service.port, CONNECTIONS, 3).per_second()
            asked, looked = _load_and_look(service, seconds, 0.7 * peak)
        lines += _lines(workers, asked, looked, least)
        figures[f"peak of {workers}"] = round(peak)
    with serving(command=variant("sometimes_wrong")) as service:
        _, looked = _load_and_look(service, 1, 1_000)
    return Outcome(lines=lines, controls=[_control(looked)], figures=figures)


def _load_and_look(service: Service, seconds: float, rate: float) -> tuple[Load, Tally]:
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    until = time.monotonic() + seconds

    def goes_on() -> bool:
        return time.monotonic() < until

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(load, service.port, CONNECTIONS, seconds, rate)
        looking = keep_asking(
            service.port, golden, lambda: time.monotonic() < until, connections=1, pause=PAUSE
        )
        looked = asyncio.run(looking)
        return asked.result(), looked


def _lines(workers: int, asked: Load, looked: Tally, least: int) -> list[Line]:
    by = f"by {workers}: "
    return [
        at_least(f"{by}requests", asked.count(200), least),
        exactly("other than 200", asked.status.size - asked.count(200) + looked.not_200, 0),
        exactly("wrong or lost", looked.wrong + looked.failed, 0),
        at_least("looked at", looked.good, 20),
        at_most("p99 / p50", asked.percentile(0.99) / asked.percentile(0.5), 5),
        at_most("p99.9", 1e3 * asked.percentile(0.999), 100, "ms"),
    ]


def _control(looked: Tally) -> Control:
    return Control(
        what="a service of which one answer in ten is another phone's",
        failed=looked.wrong > 0,
        seen=f"{looked.wrong} of {looked.good + looked.wrong} looked at are wrong",
    )
