"""How much of what decides over bundles and keys is run by its tests."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import PROJECT

KIND = "audit"
PASSES = "Every line and branch of loading, publishing, signing, keys and the phone is run by their tests"

MODULES = ("contract/bundle/*", "contract/phone.py", "contract/table.py", "service/guards/keys.py")
KEYS = "tests/service/guards/test_access.py"
TESTS = ("tests/contract", KEYS)

RULES = """
[run]
branch = true
parallel = true
patch = subprocess
source = contract, service
[report]
exclude_also =
    if TYPE_CHECKING:
"""


def run(long: bool) -> Outcome:
    """Run the tests twice, in either form: a minute."""
    missing, statements, told = _missing(TESTS)
    without, _, _ = _missing([test for test in TESTS if test != KEYS])
    return Outcome(
        lines=[
            at_least("statements and branches", statements, 700),
            exactly("of those not run", missing, 0),
        ],
        controls=[Control(what="without the tests of keys", failed=without > 0, seen=f"{without} not run")],
        figures={"not run": told},
    )


def _missing(tests: Sequence[str]) -> tuple[int, int, dict[str, list[int]]]:
    """Return how many statements and branches were not run, of how many, and the lines by file."""
    with tempfile.TemporaryDirectory() as folder:
        rules, data, report = (Path(folder, name) for name in ("rules", "data", "report"))
        rules.write_text(RULES)
        coverage = [sys.executable, "-m", "coverage"]
        environment = os.environ | {"COVERAGE_FILE": str(data)}
        tested = ["run", f"--rcfile={rules}", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        chosen = ["json", f"--rcfile={rules}", f"--include={','.join(MODULES)}", "-o", str(report)]
        for command in (tested, ["combine", f"--rcfile={rules}"], chosen):
            subprocess.run(
                [*coverage, *command], cwd=PROJECT, env=environment, capture_output=True, check=True
            )
        found = json.loads(report.read_text())
    totals = found["totals"]
    lines = {name: file["missing_lines"] for name, file in found["files"].items() if file["missing_lines"]}
    return (
        totals["missing_lines"] + totals["missing_branches"],
        totals["num_statements"] + totals["num_branches"],
        lines,
    )
