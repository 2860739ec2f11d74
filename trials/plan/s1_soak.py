"""Half of what it can, for long, with clients among them who send nonsense, break off or stop half-way."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import theilslopes

from trials.h2load import Load, load
from trials.odd_clients import ask_oddly, invalid_requests
from trials.outcome import Control, Line, Outcome, at_most, exactly
from trials.raw_http import ask_all
from trials.service import SERVE, Service, serving, variant

KIND = "soak"
PASSES = (
    "30 minutes: after the first fifth memory grows by at most 1 MiB an hour (Theil-Sen), in all by at most "
    "32 MiB or 5 %; open files and threads stay within 5; a leak of 1 KiB per request is flagged"
)

MEBIBYTE = 2**20
MOST_PER_HOUR = 1.0
MOST_PER_REQUEST = 512
"""Bytes that a request may leave behind, where the time is too short for a slope: half of the control's."""

CONNECTIONS = 16
ODD_SHARE = 0.12
"""Of all requests."""


@dataclass
class Samples:
    """What the processes had, at each moment."""

    hours: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def take(self, service: Service, hours: float) -> None:
        """Note one moment."""
        workers = service.workers()
        self.hours.append(hours)
        self.resident.append(sum(each.memory_info().rss for each in workers))
        self.files.append(sum(each.num_fds() for each in workers))
        self.threads.append(sum(each.num_threads() for each in workers))

    def bytes_per_hour(self) -> float:
        """Return the Theil-Sen slope, the first fifth left out."""
        first = len(self.hours) // 5
        return float(theilslopes(self.resident[first:], self.hours[first:]).slope)

    def grown(self) -> int:
        """Return the bytes from the end of the first fifth to the most there ever was after."""
        first = len(self.hours) // 5
        return max(self.resident[first:]) - self.resident[first]


def run(long: bool) -> Outcome:
    """30 minutes and 3 of the control; or 8 s each."""
    samples, load_, odd = _soaked(SERVE, 1_800 if long else 8, 10 if long else 0.25)
    leaking, leaking_load, _ = _soaked(variant("leaking"), 180 if long else 8, 2 if long else 0.25)
    first = samples.resident[len(samples.resident) // 5]
    return Outcome(
        lines=[
            _slope(samples, load_, long),
            at_most("memory grown", samples.grown() / MEBIBYTE, max(32, 0.05 * first / MEBIBYTE), "MiB"),
            at_most("open files: spread", _spread(samples.files), 5 if long else CONNECTIONS),
            at_most("threads: spread", _spread(samples.threads), 5),
            exactly("answers other than 200 to good requests", load_.status.size - load_.count(200), 0),
            exactly("other statuses than are right to odd ones", odd["wrong"], 0),
        ],
        controls=[_control(_slope(leaking, leaking_load, long))],
        figures={
            "requests": load_.count(200),
            "odd": odd,
            "resident MiB": [
                round(each / MEBIBYTE, 1) for each in samples.resident[:: len(samples.hours) // 10]
            ],
            "p99 ms, first third and last": [round(1e3 * each, 2) for each in _p99(load_)],
        },
    )


def _soaked(command: Sequence[str], seconds: float, every: float) -> tuple[Samples, Load, dict[str, int]]:
    """Load a service with half of what it can, and look at it `every` so many seconds."""
    stop = threading.Event()
    with serving(command=command, PHONE_PRICE_ACCESS_LOG="true") as service, ThreadPoolExecutor() as pool:
        ask_all(service.port, invalid_requests())  # so that everything has been loaded that ever will be
        half = load(service.port, CONNECTIONS, 3).per_second() / 2
        odd = pool.submit(ask_oddly, service.port, stop, ODD_SHARE * half)
        asked = pool.submit(load, service.port, CONNECTIONS, seconds, (1 - ODD_SHARE) * half)
        samples, start = Samples(), time.monotonic()
        while (gone := time.monotonic() - start) < seconds - every:
            samples.take(service, gone / 3_600)
            time.sleep(every)
        stop.set()
        return samples, asked.result(), odd.result()


def _slope(samples: Samples, load_: Load, long: bool) -> Line:
    slope = samples.bytes_per_hour()
    if long:
        return at_most("memory", slope / MEBIBYTE, MOST_PER_HOUR, "MiB/h")
    requests_per_hour = 3_600 * load_.per_second()
    return at_most("memory kept of a request", slope / requests_per_hour, MOST_PER_REQUEST, "bytes")


def _control(line: Line) -> Control:
    return Control(what="a leak of 1 KiB per request", failed=not line.holds, seen=line.told())


def _spread(counts: Sequence[int]) -> int:
    after = counts[len(counts) // 5 :]
    return max(after) - min(after)


def _p99(load_: Load) -> tuple[float, float]:
    third = load_.duration / 3
    since = load_.started - load_.started.min()
    return (
        float(np.quantile(load_.seconds[since < third], 0.99)),
        float(np.quantile(load_.seconds[since >= 2 * third], 0.99)),
    )
