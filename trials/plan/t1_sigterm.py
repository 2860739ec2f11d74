"""SIGTERM comes to a single process that answers short and long requests."""

import asyncio
import json
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from contract.phone import EXAMPLE
from trials.bad_requests import phone
from trials.client import BrokenConnectionError, Connection
from trials.outcome import Control, Outcome, at_least, at_most, exactly
from trials.service import SERVE, Service, serving, variant

KIND = "chaos"
PASSES = (
    "50 times: whatever had been sent whole 100 ms before gets its whole 200; it ends within grace + 2 s, "
    "with status 0 or 143, and logs that the application's shutdown is complete"
)

GRACE = 20.0
RIGHT = (0, -signal.SIGTERM, 128 + signal.SIGTERM)

ONE = phone()
MANY = json.dumps({"phones": [EXAMPLE] * 10_000}).encode()
"""Takes long enough for some to be under way for more than 100 ms."""

SHORT, LONG = 4, 14
"""Connections."""


@dataclass
class Ending:
    """What one SIGTERM came to."""

    seconds: float = 0.0
    status: int = 0
    logged: bool = False
    answered: int = 0
    answered_late: int = 0
    """Sent whole 100 ms before, answered after."""
    lost: int = 0
    """Sent whole 100 ms before, and never answered, or not with 200."""


def run(long: bool) -> Outcome:
    """50 times: 2 minutes; or twice."""
    endings = [_ending(SERVE) for _ in range(50 if long else 2)]
    without = _ending(variant("ends_at_once"))
    return Outcome(
        lines=[
            at_least("SIGTERMs", len(endings), 50 if long else 2),
            at_least("answered meanwhile", sum(each.answered_late for each in endings), len(endings)),
            exactly("lost", sum(each.lost for each in endings), 0),
            at_most("slowest end", max(each.seconds for each in endings), GRACE + 2, "s"),
            exactly("other statuses", sum(each.status not in RIGHT for each in endings), 0),
            exactly("shutdowns not logged", sum(not each.logged for each in endings), 0),
        ],
        controls=[
            Control(
                what="a service that ends at once", failed=without.lost > 0, seen=f"{without.lost} were lost"
            )
        ],
        figures={"answers": sum(each.answered for each in endings)},
    )


def _ending(command: Sequence[str]) -> Ending:
    ending = Ending()
    with serving(command=command) as service:
        asyncio.run(_terminate_under_load(service, ending))
        ending.logged = b"Application shutdown complete" in service.log.read_bytes()
    return ending


async def _terminate_under_load(service: Service, ending: Ending) -> None:
    moment: list[float] = []
    tasks = [
        asyncio.create_task(_ask(service.port, path, body, moment, ending))
        for path, body in [("/predict", ONE)] * SHORT + [("/predict/batch", MANY)] * LONG
    ]
    await asyncio.sleep(1)
    moment.append(time.monotonic())
    service.process.terminate()
    ending.status = await asyncio.to_thread(service.process.wait, GRACE + 10)
    ending.seconds = time.monotonic() - moment[0]
    await asyncio.gather(*tasks)


async def _ask(port: int, path: str, body: bytes, moment: list[float], ending: Ending) -> None:
    """Ask until SIGTERM was sent and the connection ends."""
    connection = Connection(port)
    while not moment:
        try:
            answered = await connection.post(path, body)
        except BrokenConnectionError as error:
            long_before = error.sent is not None and bool(moment) and error.sent < moment[0] - 0.1
            ending.lost += long_before
            return
        ending.answered += answered.status == 200
        if moment and answered.sent < moment[0] - 0.1:
            ending.answered_late += answered.status == 200
            ending.lost += answered.status != 200
    connection.close()
