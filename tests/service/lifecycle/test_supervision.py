"""A worker that dies is replaced soon; one that cannot start is tried again later and later, and given up."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from contract.phone import EXAMPLE
from service.lifecycle.supervision import MAX_FAILED_STARTS, how_it_ended
from tests.running_service import ARTIFACTS, RunningService, running_service, workers
from tests.service.telemetry.test_metrics import named
from tests.service.telemetry.test_shared_metrics import told, wait_until_both_answer

SOON = 10.0
"""Seconds; without anything done about it, it is as long as a worker may keep silent: 30."""

LONG = 60.0
"""Seconds that a busy machine may take."""

ENDS_AT_ONCE = "import os, sys; 'spawn_main' in ' '.join(sys.orig_argv) and os._exit(7)"
"""What Python imports as it starts, if it is called sitecustomize, so that a worker ends before it begins."""


class Log:
    """All that a service has written to standard error so far."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self._told = ""

    def lines(self, part: str) -> list[str]:
        self._told += self._capfd.readouterr().err
        return [line for line in self._told.splitlines() if part in line]


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Log:
    return Log(capfd)


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_told_again(log: Log, part: str, before: int) -> bool:
    return len(log.lines(part)) > before


def restarts(running: RunningService) -> float:
    return named(told(running), "phone_price_worker_restarts_total")[()]


def wait_until_both_are_known_to_be_ready(running: RunningService) -> None:
    wait_until_both_answer(running)
    time.sleep(2)  # the supervisor asks every half second


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


def test_a_killed_worker_is_told_of_with_its_signal_and_counted(log: Log) -> None:
    with running_service(ARTIFACTS, "--workers", "2") as running:
        wait_until_both_are_known_to_be_ready(running)
        assert restarts(running) == 0
        victim = min(workers(running))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: restarts(running) == 1)
        (line,) = log.lines(f"worker {victim} was ended by SIGKILL")
        assert '"level": "warning"' in line
        assert line.endswith('another is started at once"}')


def test_workers_that_cannot_start_are_tried_again_later_and_later_and_then_given_up(
    tmp_path: Path, log: Log
) -> None:
    with running_service(ARTIFACTS, "--workers", "2", PYTHONPATH=str(tmp_path)) as running:
        wait_until_both_are_known_to_be_ready(running)
        (tmp_path / "sitecustomize.py").write_text(ENDS_AT_ONCE)
        os.kill(min(workers(running)), signal.SIGKILL)
        wait_until(lambda: restarts(running) > 2)
        assert httpx.post(f"{running.client.base_url}/predict", json=EXAMPLE).status_code == 200
        running.client.close()
        assert running.process.wait(timeout=LONG) == 3
    ends = log.lines("ended with status 7 before it was ready")
    assert len(ends) == MAX_FAILED_STARTS
    pauses = [line.partition("another is started ")[2].removesuffix('"}') for line in ends[:-1]]
    assert pauses == ["at once", "in 1 s", "in 2 s", "in 4 s", "in 8 s"]
    assert ends[-1].startswith("error: worker ")
    assert ends[-1].endswith("as 6 in a row: the log says why")


def test_a_worker_that_starts_after_all_makes_the_failures_before_it_forgotten(
    tmp_path: Path, log: Log
) -> None:
    with running_service(ARTIFACTS, "--workers", "2", PYTHONPATH=str(tmp_path)) as running:
        for _ in range(2):
            wait_until_both_are_known_to_be_ready(running)
            before = len(log.lines("another is started in 1 s"))
            (tmp_path / "sitecustomize.py").write_text(ENDS_AT_ONCE)
            os.kill(min(workers(running)), signal.SIGKILL)
            wait_until(partial(is_told_again, log, "another is started in 1 s", before))
            (tmp_path / "sitecustomize.py").unlink()
        wait_until_both_are_known_to_be_ready(running)
        assert not log.lines("another is started in 4 s")


def test_where_no_process_can_be_made_it_is_told_and_tried_again(log: Log) -> None:
    with running_service(ARTIFACTS, "--workers", "2") as running:
        parent = psutil.Process(running.process.pid)
        wait_until_both_are_known_to_be_ready(running)
        limits = parent.rlimit(psutil.RLIMIT_NOFILE)
        parent.rlimit(psutil.RLIMIT_NOFILE, (3, limits[1]))
        os.kill(min(workers(running)), signal.SIGKILL)
        wait_until(lambda: log.lines("has no successor ([Errno 24] Too many open files)"))
        parent.rlimit(psutil.RLIMIT_NOFILE, limits)
        wait_until_both_answer(running)
        wait_until(lambda: restarts(running) == 1)


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "ended with status 0"), (-15, "was ended by SIGTERM"), (-40, "was ended by signal 40")],
)
def test_an_end_is_told_by_its_status_or_signal(status: int, words: str) -> None:
    assert how_it_ended(status) == words
