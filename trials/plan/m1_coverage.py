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
TESTS = {"contract": "tests/contract", "keys": "tests/service/guards/test_access.py"}

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
    """Run the tests, in either form: a minute."""
    with tempfile.TemporaryDirectory() as folder:
        for name, tests in TESTS.items():
            _coverage(Path(folder, name), "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
        missing, statements, told = _missing([Path(folder, name) for name in TESTS])
        without, _, _ = _missing([Path(folder, "contract")])
    return Outcome(
        lines=[
            at_least("statements and branches", statements, 700),
            exactly("of those not run", missing, 0),
        ],
        controls=[Control(what="without the tests of keys", failed=without > 0, seen=f"{without} not run")],
        figures={"not run": told},
    )


def _missing(measured: Sequence[Path]) -> tuple[int, int, dict[str, list[int]]]:
    """Return how many statements and branches were not run, of how many, and the lines by file."""
    with tempfile.TemporaryDirectory() as folder:
        together, report = Path(folder, "together"), Path(folder, "report")
        _coverage(together, "combine", "--keep", *measured)
        _coverage(together, "json", f"--include={','.join(MODULES)}", "-o", report)
        found = json.loads(report.read_text())
    totals = found["totals"]
    lines = {name: file["missing_lines"] for name, file in found["files"].items() if file["missing_lines"]}
    return (
        totals["missing_lines"] + totals["missing_branches"],
        totals["num_statements"] + totals["num_branches"],
        lines,
    )


def _coverage(folder: Path, command: str, *arguments: object) -> None:
    """Run a command of coverage; what it measures goes into the folder."""
    folder.mkdir(exist_ok=True)
    rules = folder / "rules"
    rules.write_text(RULES)
    subprocess.run(
        [sys.executable, "-m", "coverage", command, f"--rcfile={rules}", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | {"COVERAGE_FILE": str(folder / "data")},
        capture_output=True,
        check=True,
    )
