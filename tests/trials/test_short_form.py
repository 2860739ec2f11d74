"""Each trial of the plan passes in its short form, and its control fails."""

import json
import subprocess
import sys

import pytest

from tests.running_service import PROJECT
from trials.trial import trials_by_id


@pytest.mark.parametrize("identity", trials_by_id())
def test_the_trial_passes_and_its_control_fails(identity: str) -> None:
    command = [sys.executable, "-m", "trials", "run", identity]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]
    record = json.loads(done.stdout)
    assert record["id"] == identity
    assert record["passed"]
