"""docs/reliability.md is what `python -m trials table` prints, and knows every trial."""

import subprocess
import sys

from tests.running_service import PROJECT
from trials.trial import trials_by_id

PAGE = PROJECT / "docs" / "reliability.md"


def test_the_page_is_what_the_command_prints() -> None:
    command = [sys.executable, "-m", "trials", "table"]
    printed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text() == printed


def test_every_trial_has_a_row() -> None:
    rows = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines() if "|" in line]
    assert set(trials_by_id()) <= set(rows)
