"""Each trial passes in its short form, and its control fails; speed is for `make load` to judge."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import pytest

from tests.absent import say_absent
from tests.running_service import PROJECT
from trials.__main__ import UNABLE
from trials.record import Record
from trials.trial import trials_by_id

Runs: TypeAlias = dict[str, Future[subprocess.CompletedProcess[str]]]

TRIALS = {identity: trial for identity, trial in trials_by_id().items() if identity != "X1"}
"""All but the image, whose tests `make test-image` runs."""

AT_ONCE = 2
"""Most of a trial is waiting."""


def run(identity: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trials", "run", identity]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {identity: pool.submit(run, identity) for identity in TRIALS}


@pytest.mark.parametrize("identity", TRIALS)
def test_the_trial_passes_and_its_control_fails(runs: Runs, identity: str) -> None:
    done = runs[identity].result()
    if done.returncode == UNABLE:
        say_absent(done.stderr.splitlines()[-1])
    assert done.stdout, done.stderr[-4_000:]
    record = Record.model_validate_json(done.stdout)
    assert record.id == identity
    assert record.passed or TRIALS[identity].kind == "load", done.stderr[-4_000:]


@pytest.mark.parametrize(("identity", "package"), [("O3", "nghttp2-client"), ("A2", "strace")])
def test_what_is_not_installed_is_named_with_the_way_to_it(identity: str, package: str) -> None:
    command = [sys.executable, "-m", "trials", "run", identity]
    nothing = os.environ | {"PATH": "/nowhere"}
    done = subprocess.run(command, cwd=PROJECT, env=nothing, capture_output=True, text=True, check=False)
    assert done.returncode == UNABLE
    assert done.stderr.splitlines()[-1].endswith(f"is not there: apt-get install {package}")
    assert not done.stdout
