"""How much faster two workers on two cores are than one on one.

Where the load generator has to share the two cores, the workers do not have them for themselves: with c of a
core taken by wrk, 2 - c are left to serve. The corrected ratio is of the throughput per core left, times two:

    corrected = (two / (2 - c)) * 2 / one        two, one: requests per second

It is right as long as the cores are fully used. With a third core c is 0 and nothing is corrected.
"""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel

from benchmarks.spread import Spread
from benchmarks.wrk import Load

WORKERS = 2


class TwoWorkers(BaseModel):
    """Two workers beside one, of the same rounds."""

    requests_per_second: Spread
    raw: Spread
    generator_share: Spread
    """CPU seconds per second of wrk, where it runs on the workers' cores; else 0."""
    corrected: Spread

    @classmethod
    def beside(cls, one: Sequence[Load], two: Sequence[Load], shared: bool) -> Self:
        """Compare round by round; `shared` tells whether wrk ran on the workers' cores."""
        alone = [load.requests_per_second for load in one]
        together = [load.requests_per_second for load in two]
        taken = [load.generator_share if shared else 0.0 for load in two]
        per_core_left = [
            WORKERS * rate / (WORKERS - share) for rate, share in zip(together, taken, strict=True)
        ]
        return cls(
            requests_per_second=Spread.of(together),
            raw=Spread.of_ratios(together, alone),
            generator_share=Spread.of(taken),
            corrected=Spread.of_ratios(per_core_left, alone),
        )
