"""Two, five and ten times as much as the service can do is asked of it."""

import time

from trials.h2load import allow_many_connections, give_it_a_core, load
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.overload import Overloaded, capacity, overload
from trials.service import Service, serving

KIND = "load"
PASSES = (
    "Goodput is at least 85 % of capacity C at 2 C, 60 % at 5 C, and there is some at 10 C; p99 of the "
    "200s is at most 100 ms or three times that at 0.7 C; refusals are 503 with Retry-After, p99 at most "
    "50 ms; nothing else fails; memory is at most 1.5 times; 95 % of C are back within 10 s"
)

NO_LIMIT = "1000000"
FEW = 64
"""Connections by which recovery is measured."""


def run(long: bool) -> Outcome:
    """60 s each, and the control: 5 minutes; or 3 s each."""
    seconds = 60 if long else 2
    allow_many_connections()
    with serving(PHONE_PRICE_MAX_REQUESTS=NO_LIMIT) as service:
        give_it_a_core(service.process)
        most = capacity(service, 10 if long else 2)
        unlimited = overload(service, 5 * most, 10 if long else 2)
    with serving() as service, serving() as other:
        give_it_a_core(service.process)
        give_it_a_core(other.process)
        load(service.port, FEW, 2)
        load(other.port, FEW, 2)
        resident = service.resident_bytes()
        calm = overload(service, 0.7 * most, seconds)
        loads = {times: overload(service, times * most, seconds) for times in (2, 5, 10)}
        back = _seconds_until_as_fast(service, other)
    slowest = max(0.1, 3 * calm.polite.percentile(calm.polite.answered))
    return Outcome(
        lines=[
            at_least("goodput at 2 C", loads[2].load.per_second() / most, 0.85, "C"),
            at_least("goodput at 5 C", loads[5].load.per_second() / most, 0.60, "C"),
            at_least("goodput at 10 C", loads[10].load.per_second() / most, 0.01, "C"),
            at_most("p99 of 200s", max(_answered(each) for each in loads.values()), slowest, "s"),
            at_most("p99 of refusals", max(_refused(each) for each in loads.values()), 0.05, "s"),
            exactly("other failures", sum(map(_others, loads.values())), 0),
            at_most("memory", max(each.most_resident for each in loads.values()) / resident, 1.5, "times"),
            at_most("back to 95 % of C", back, 10, "s"),
        ],
        controls=[
            Control(
                what="a service that refuses nothing",
                failed=_answered(unlimited) > slowest,
                seen=f"p99 of 200s {_answered(unlimited):.2f} s",
            )
        ],
        figures={
            "C": round(most),
            "answered per second": {
                f"{times} C": round(each.load.per_second()) for times, each in loads.items()
            },
            "refused per second": {
                f"{times} C": round(each.load.per_second(503)) for times, each in loads.items()
            },
        },
    )


def _answered(overloaded: Overloaded) -> float:
    return overloaded.polite.percentile(overloaded.polite.answered)


def _refused(overloaded: Overloaded) -> float:
    return overloaded.polite.percentile(overloaded.polite.refused)


def _others(overloaded: Overloaded) -> int:
    return overloaded.polite.others + overloaded.load.status.size - overloaded.load.count(200, 503)


def _seconds_until_as_fast(service: Service, other: Service) -> float:
    """Return the seconds until it was seen to answer 95 % as fast as another that had not been asked.

    Beside each other, as the machine itself may be slower than it was before.
    """
    start = time.monotonic()
    while time.monotonic() - start < 20:
        if load(service.port, FEW, 1).per_second() >= 0.95 * load(other.port, FEW, 1).per_second():
            return time.monotonic() - start
    return float("inf")
