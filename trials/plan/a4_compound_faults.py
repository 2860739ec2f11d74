"""Cleaning up after a killed publisher fails as well; two publish at once, and one of them is killed."""

import random
import subprocess
import sys
import time
from pathlib import Path

from contract.bundle import read_version, versions
from contract.errors import BundleError
from trials.outcome import Control, Outcome, at_least, exactly
from trials.published import copied_artifacts, leftovers, next_run_repairs, served_version
from trials.publisher import Way
from trials.service import PROJECT, NotStartedError
from trials.system_calls import calls_of_publishing, publish_with_fault

KIND = "chaos"
PASSES = (
    "Whatever fails while a killed run's leftovers are removed, and whoever publishes at the same time, the "
    "old version or a new one is whole and served, and the next run succeeds and cleans up"
)

AT_ONCE = 3

MOST_ROUNDS = 50
"""Of the control, until a version is lost."""


def run(long: bool) -> Outcome:
    """Fail in cleaning up, and publish at once, 60 and 30 times; or a few times, in 15 s."""
    tried, not_whole, not_repaired = _cleaning_fails(1 if long else 24)
    lost, unfinished = _at_once(20 if long else 1)
    killed_lost = _one_is_killed(10 if long else 1)
    return Outcome(
        lines=[
            at_least("faults while cleaning up", tried, 60 if long else 4),
            exactly("left without a whole version", not_whole, 0),
            exactly("not repaired by the next run", not_repaired, 0),
            exactly("lost by publishers at once", lost, 0),
            exactly("leftovers of publishers at once", unfinished, 0),
            exactly("lost when one of two was killed", killed_lost, 0),
        ],
        controls=[_unlocked()],
    )


def _cleaning_fails(step: int) -> tuple[int, int, int]:
    with copied_artifacts() as artifacts:
        calls = [call for call in calls_of_publishing(artifacts) if call.name in {"write", "rename"}]
    tried = not_whole = not_repaired = 0
    faults = [
        (call, name, fault, number)
        for call in calls[::3]
        for name in ("unlinkat", "unlink", "rmdir")
        for fault in ("error=EIO", "error=ENOSPC", "signal=KILL")
        for number in (1, 3)
    ]
    for call, name, fault, number in faults[::step]:
        with copied_artifacts() as artifacts:
            publish_with_fault(artifacts, call.name, f"signal=KILL:when={call.number}")
            publish_with_fault(artifacts, name, f"{fault}:when={number}")
            not_whole += served_version(artifacts) is None
            not_repaired += not next_run_repairs(artifacts)
            tried += 1
    return tried, not_whole, not_repaired


def _unlocked() -> Control:
    """Publishers that do not wait for each other; whether they meet is chance.

    Raises `NotStartedError` if one alone does not publish: such a control would show nothing.
    """
    with copied_artifacts() as artifacts:
        if _start(artifacts, Way.UNLOCKED).wait() or _whole(artifacts) < 2:
            raise NotStartedError("a publisher that does not wait publishes nothing even alone")
    lost = rounds = 0
    while not lost and rounds < MOST_ROUNDS:
        lost += _at_once(1, Way.UNLOCKED)[0]
        rounds += 1
    return Control(
        what="publishers that do not wait for each other", failed=lost > 0, seen=f"{lost} versions lost"
    )


def _at_once(rounds: int, way: Way = Way.AS_TRAINING) -> tuple[int, int]:
    """Return how many versions were lost, and how many things were left beside."""
    lost = left = 0
    for _ in range(rounds):
        with copied_artifacts() as artifacts:
            for process in [_start(artifacts, way) for _ in range(AT_ONCE)]:
                process.wait()
            lost += AT_ONCE + 1 - _whole(artifacts) + (served_version(artifacts) is None)
            left += len(leftovers(artifacts))
    return lost, left


def _one_is_killed(rounds: int) -> int:
    """Return how often the other one's version, or that which is served, was not whole."""
    lost = 0
    for _ in range(rounds):
        with copied_artifacts() as artifacts:
            victim, other = _start(artifacts), _start(artifacts)
            time.sleep(random.uniform(0.2, 0.6))  # noqa: S311 - any moment will do
            victim.kill()
            victim.wait()
            lost += other.wait() != 0 or served_version(artifacts) is None or _whole(artifacts) < 2
    return lost


def _start(artifacts: Path, way: Way = Way.AS_TRAINING) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trials.publisher", str(artifacts), "--way", way]
    return subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)


def _whole(artifacts: Path) -> int:
    """How many versions can be read."""
    return sum(_is_whole(artifacts, version) for version in versions(artifacts))


def _is_whole(artifacts: Path, version: str) -> bool:
    try:
        read_version(artifacts, version)
    except BundleError:
        return False
    return True
