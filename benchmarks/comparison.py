"""The rounds of serving, summed up: each peer's medians, and ours beside each as ratios of a round."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pydantic import BaseModel

from benchmarks.spread import Spread
from benchmarks.wrk import Load

Loads: TypeAlias = Mapping[int, Sequence[Load]]
"""Of one peer: connections -> a load per round."""


class Measured(BaseModel):
    """One peer under so many connections."""

    requests_per_second: Spread
    p50_ms: Spread
    p99_ms: Spread
    p99_over_p50: Spread
    generator_share: Spread

    @classmethod
    def of(cls, loads: Sequence[Load]) -> "Measured":
        """Sum up the rounds."""
        p50, p99 = each(loads, lambda load: load.p50_ms), each(loads, lambda load: load.p99_ms)
        return cls(
            requests_per_second=Spread.of(each(loads, lambda load: load.requests_per_second)),
            p50_ms=Spread.of(p50),
            p99_ms=Spread.of(p99),
            p99_over_p50=Spread.of_ratios(p99, p50),
            generator_share=Spread.of(each(loads, lambda load: load.generator_share)),
        )


class Ratio(BaseModel):
    """Ours to a peer's: above 1 in throughput we are faster, below 1 in time we are sooner."""

    requests_per_second: Spread
    p50_ms: Spread

    @classmethod
    def of(cls, ours: Sequence[Load], peers: Sequence[Load]) -> "Ratio":
        """Divide round by round."""
        rates = [each(loads, lambda load: load.requests_per_second) for loads in (ours, peers)]
        times = [each(loads, lambda load: load.p50_ms) for loads in (ours, peers)]
        return cls(requests_per_second=Spread.of_ratios(*rates), p50_ms=Spread.of_ratios(*times))


def each(loads: Sequence[Load], figure: Callable[[Load], float]) -> list[float]:
    """Return a figure of every round."""
    return [figure(load) for load in loads]
