"""A run of pytest inside a client's environment, test by test."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.virtual_environment import python_with
from tests.clients.given import GIVEN_FILE
from tests.running_service import PROJECT

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".environments"


@dataclass(frozen=True)
class Outcome:
    """One test of the inner run; `trouble` is empty if it passed."""

    name: str
    trouble: str


def run_inside(client: str, given: Path, report: Path) -> list[Outcome]:
    """Run `with_<client>.py` in the environment of `<client>.txt`, and return how its tests came out.

    Fails with all that the run has printed, if it has no report or knows more than its tests tell.
    """
    python = python_with(HERE / f"{client}.txt", ENVIRONMENTS)
    # the project's own configuration and conftest need what is not installed there
    alone = ["--noconftest", "-c", os.devnull, "--rootdir", str(PROJECT), "-p", "no:cacheprovider"]
    shared = ["-p", "tests.clients.given", "--junitxml", str(report), "--tb", "short"]
    done = subprocess.run(
        [str(python), "-m", "pytest", *alone, *shared, str(HERE / f"with_{client}.py")],
        cwd=PROJECT,
        env=os.environ | {GIVEN_FILE: str(given)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout
    outcomes = list(_outcomes(ElementTree.parse(report)))  # noqa: S314 - our own report
    assert done.returncode == int(any(outcome.trouble for outcome in outcomes)), done.stdout
    assert outcomes, done.stdout
    return outcomes


def _outcomes(report: "ElementTree.ElementTree[ElementTree.Element]") -> Iterator[Outcome]:
    for case in report.iter("testcase"):
        # a skipped test is trouble as well: nothing in there depends on the machine
        yield Outcome(case.attrib["name"], "\n".join(part.text or part.attrib["message"] for part in case))
