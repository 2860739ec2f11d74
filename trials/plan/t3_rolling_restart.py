"""Two instances behind nginx, of one worker and of two, are ended and started again in turn."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from contract.bundle import current_version
from trials.client import Golden, Tally, keep_asking
from trials.nginx import UNLIMITED, before
from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import ARTIFACTS, free_port, serving

KIND = "chaos"
PASSES = "20 restarts: none of at least 100,000 requests fails, and every answer is golden"

DRAIN = "0.5"
NO_RETRY = {"error timeout non_idempotent": "off"}


def run(long: bool) -> Outcome:
    """20 restarts and more until 100,000 are answered: 2 minutes; or 2 restarts."""
    seconds, restarts, least = (120, 20, 100_000) if long else (1, 2, 500)
    tally, done = _restarted({}, seconds, restarts)
    without, _ = _restarted(NO_RETRY, 1, 2)
    return Outcome(
        lines=[
            at_least("restarts", done, restarts),
            at_least("answers", tally.good, least),
            exactly("requests failed", tally.failed, 0),
            exactly("answers not golden", tally.wrong, 0),
            exactly("answers other than 200", tally.not_200, 0),
        ],
        controls=[
            Control(
                what="nginx that does not ask the other instance",
                failed=without.failed + without.not_200 > 0,
                seen=f"{without.failed + without.not_200} requests failed",
            )
        ],
    )


def _restarted(changes: dict[str, str], seconds: float, restarts: int) -> tuple[Tally, int]:
    """Restart so often, and for at least so many seconds; return what a client met, and how often it was."""
    golden = Golden(ARTIFACTS, [current_version(ARTIFACTS)])
    ports = free_port(), free_port()
    instances = Instance(ports[0], workers=1), Instance(ports[1], workers=2)
    with instances[0], instances[1], before(ports, UNLIMITED | changes) as port:
        return asyncio.run(_under_load(port, golden, instances, seconds, restarts))


class Instance:
    """A service that keeps its port when it is started again."""

    def __init__(self, port: int, workers: int) -> None:
        self._port = port
        self._workers = workers
        self._running = ExitStack()

    def __enter__(self) -> Self:
        service = serving(port=self._port, workers=self._workers, PHONE_PRICE_DRAIN_SECONDS=DRAIN)
        self._running.enter_context(service)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def restart(self) -> None:
        """End it, and wait until it is ready again."""
        self.__exit__()
        self.__enter__()


async def _under_load(
    port: int, golden: Golden, instances: Sequence[Instance], seconds: float, restarts: int
) -> tuple[Tally, int]:
    restarting = asyncio.create_task(asyncio.to_thread(_restart, instances, seconds, restarts))
    tally = await keep_asking(port, golden, lambda: not restarting.done(), connections=8)
    return tally, await restarting


def _restart(instances: Sequence[Instance], seconds: float, restarts: int) -> int:
    until = time.monotonic() + seconds
    done = 0
    while done < restarts or time.monotonic() < until:
        instances[done % 2].restart()
        done += 1
    return done
