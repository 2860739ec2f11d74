"""Each trial passes in its short form, and its control fails; speed is for `make load` to judge."""

import json
import subprocess
import sys

import pytest

from tests.running_service import PROJECT
from trials.record import Record
from trials.trial import trials_by_id

TRIALS = trials_by_id()


@pytest.mark.parametrize("identity", TRIALS)
def test_the_trial_passes_and_its_control_fails(identity: str) -> None:
    command = [sys.executable, "-m", "trials", "run", identity]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-4_000:]
    record = Record.model_validate(json.loads(done.stdout))
    assert record.id == identity
    assert record.passed or TRIALS[identity].kind == "load", done.stderr[-4_000:]
