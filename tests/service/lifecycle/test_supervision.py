"""A worker that dies is replaced soon, whatever its supervisor is waiting for."""

import os
import signal
import time

from tests.running_service import ARTIFACTS, running_service, workers

SOON = 10.0
"""Seconds; without anything done about it, it is as long as a worker may keep silent: 30."""


def test_a_worker_that_dies_while_a_sign_of_life_is_waited_for_is_replaced_soon() -> None:
    with running_service(ARTIFACTS, "--workers", "2") as running:
        before = workers(running)
        victim = min(before)
        os.kill(victim, signal.SIGSTOP)
        time.sleep(1.5)  # it is asked for a sign of life every half second
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        while len(now := workers(running)) < 2 or victim in now:
            assert time.monotonic() - killed < SOON
            time.sleep(0.05)
        assert len(before & now) == 1
