"""Five times as much is asked of two instances behind nginx as they can do, and nginx has limits."""

from trials.h2load import Load, allow_many_connections, load
from trials.nginx import UNLIMITED, before
from trials.outcome import Control, Outcome, at_least, exactly
from trials.overload import CLIENTS, WARM_UP
from trials.service import serving

KIND = "load"
PASSES = (
    "Goodput is at least 90 % of capacity at five times as much; refusals are 429 or 503, and nothing else "
    "comes"
)

SHARE = 0.95
"""Of the capacity, that nginx lets through."""


def run(long: bool) -> Outcome:
    """60 s; or 3 s."""
    seconds = 60 if long else 3
    allow_many_connections()
    with serving() as one, serving() as other:
        ports = one.port, other.port
        with before(ports, UNLIMITED) as port:
            most = load(port, CLIENTS, 10 if long else 2, warm_up=WARM_UP).per_second()
        limits = UNLIMITED | {"rate=2000r/s": f"rate={round(SHARE * most)}r/s"}
        with before(ports, limits) as port:
            found = load(port, CLIENTS, seconds, 5 * most, WARM_UP)
        with before(ports, limits | {"limit_req_status 429": "limit_req_status 418"}) as port:
            without = load(port, CLIENTS, 3, 5 * most, WARM_UP)
    return Outcome(
        lines=[
            at_least("goodput", found.per_second() / most, 0.90, "C"),
            exactly("other answers than 200, 429 and 503", _others(found), 0),
            at_least("refused", found.count(429, 503), 100),
        ],
        controls=[
            Control(
                what="limits that answer with 418",
                failed=_others(without) > 0,
                seen=f"{_others(without)} other answers",
            )
        ],
        figures={"C": round(most), "refused per second": round(found.per_second(429))},
    )


def _others(found: Load) -> int:
    return found.status.size - found.count(200, 429, 503)
