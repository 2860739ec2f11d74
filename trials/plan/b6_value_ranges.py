"""Each specification is at its bounds, beyond them, far beyond them, negative zero, or almost nothing."""

import json
import math
from collections.abc import Iterator

from trials.bad_requests import bounds, phone
from trials.outcome import Control, Outcome, at_least, exactly
from trials.raw_http import Answer, ask, posted
from trials.service import Service, serving, variant

EXTREME = (5e-324, -1e-9, 1e38, 1e39, 1e308, -1e39)

KIND = "fuzz"
PASSES = "200 with finite probabilities that sum to 1 within 1e-5, or 422; never null"


def run(long: bool) -> Outcome:
    """All of them, in either form: seconds."""
    with serving() as service:
        inside, outside = _statuses(service, list(_inside())), _statuses(service, list(_outside()))
    with serving(command=variant("unbounded_fields")) as service:
        without = _statuses(service, list(_outside()))
    return Outcome(
        lines=[
            at_least("values within the bounds", len(inside), 80),
            exactly("of those not answered with probabilities", sum(not each for each in inside), 0),
            at_least("values beyond them", len(outside), 150),
            exactly("of those not refused with 422", sum(each is not None for each in outside), 0),
        ],
        controls=[
            Control(
                what="a phone without bounds",
                failed=any(each is not None for each in without),
                seen=f"{sum(each is not None for each in without)} of {len(without)} values were taken",
            )
        ],
    )


def _inside() -> Iterator[bytes]:
    for name, (low, high) in bounds().items():
        for value in (low, high, float(low), float(high)):
            yield phone(**{name: value})
        if low == 0:
            yield phone(**{name: -0.0})


def _outside() -> Iterator[bytes]:
    for name, (low, high) in bounds().items():
        for value in (low - 1, high + 1, math.nextafter(high, math.inf), *EXTREME):
            if not low <= value <= high:
                yield phone(**{name: value})


def _statuses(service: Service, bodies: list[bytes]) -> list[bool | None]:
    return [_is_right(ask(service.port, posted("/predict", body))) for body in bodies]


def _is_right(answer: Answer) -> bool | None:
    """Whether the probabilities are some; None for a refusal."""
    if answer.status == 422:
        return None
    if answer.status != 200:
        return False
    probabilities = json.loads(answer.body)["probabilities"]
    finite = all(isinstance(each, float) and math.isfinite(each) for each in probabilities)
    return finite and abs(sum(probabilities) - 1) <= 1e-5
