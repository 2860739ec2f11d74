"""How many predictions per second one worker makes on one core, three times over."""

from statistics import median

from trials.h2load import allow_many_connections, give_it_a_core, load
from trials.outcome import Control, Outcome, at_most
from trials.service import Service, serving

KIND = "load"
PASSES = "The best of 16, 64 and 256 connections is the same within 5 % in three runs"

SWEEP = (16, 64, 256)


def run(long: bool) -> Outcome:
    """Three runs, each the median of seven slices of 2 s in turn: 2 minutes; or 10 s."""
    allow_many_connections()
    slices, seconds = (7, 2) if long else (1, 1)
    with serving() as service, serving(PHONE_PRICE_MAX_REQUESTS="8") as narrow:
        give_it_a_core(service.process)
        give_it_a_core(narrow.process)
        load(service.port, 64, 1)
        measured = [[_sweep(service, seconds) for _ in range(slices)] for _ in range(3)]
        other = _sweep(narrow, seconds)
    runs = [max(median(each[c] for each in sweeps) for c in SWEEP) for sweeps in measured]
    spread = (max(runs) - min(runs)) / (max(runs) + min(runs))
    return Outcome(
        lines=[at_most("spread, plus or minus", 100 * spread, 5 if long else 50, "%")],
        controls=[
            Control(
                what="a service that takes only 8 requests at a time",
                failed=max(other.values()) < 0.9 * min(runs),
                seen=f"{max(other.values()):.0f} per second",
            )
        ],
        figures={"per second": [round(each) for each in runs]},
    )


def _sweep(service: Service, seconds: int) -> dict[int, float]:
    return {connections: load(service.port, connections, seconds).per_second() for connections in SWEEP}
