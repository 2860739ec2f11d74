"""Somebody looks at the health ten times a second while five times as much is asked as the service can do."""

import numpy as np

from trials.h2load import allow_many_connections, give_it_a_core
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.overload import capacity, overload
from trials.service import serving, variant

KIND = "load"
PASSES = "No look fails, p99 at most 250 ms"


def run(long: bool) -> Outcome:
    """60 s and 10 s of the control; or 3 s each."""
    allow_many_connections()
    with serving() as service:
        give_it_a_core(service.process)
        most = capacity(service, 5 if long else 2)
        looked = overload(service, 5 * most, 60 if long else 3)
    with serving(command=variant("health_refused")) as service:
        give_it_a_core(service.process)
        without = overload(service, 5 * most, 10 if long else 3)
    return Outcome(
        lines=[
            at_least("looks", len(looked.health), 300 if long else 15),
            exactly("failed", looked.health_failed, 0),
            at_most("p99", float(np.quantile(looked.health, 0.99)), 0.25, "s"),
            at_least("refused meanwhile", looked.load.count(503), 100),
        ],
        controls=[
            Control(
                what="a service that refuses looks at its health as well",
                failed=without.health_failed > 0,
                seen=f"{without.health_failed} of {len(without.health)} looks failed",
            )
        ],
    )
