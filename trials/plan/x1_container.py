"""The image is built and run as a user without rights, on a read-only root, with no capability to gain."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import PROJECT

KIND = "audit"
PASSES = (
    "As under --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --user 10001 "
    "--pids-limit 256 it predicts, writes nowhere but in /tmp, has no setuid file, and takes SIGTERM itself"
)

TESTS = "tests/image"


@dataclass(frozen=True)
class Found:
    """What the image's tests told."""

    passed: list[str]
    failed: list[str]


def run(long: bool) -> Outcome:
    """Build it and run its tests, in either form: two minutes, the first time."""
    found = _tested()
    writable = _tested("-p", "trials.variants.writable_root", "-k", "read_only_root")
    return Outcome(
        lines=[
            at_least("tests passed", len(found.passed), 9),
            exactly("failed", len(found.failed), 0),
        ],
        controls=[
            Control(
                what="a root that can be written to",
                failed=len(writable.failed) == 1,
                seen="the test of the root fails",
            )
        ],
        figures={"passed": found.passed, "failed": found.failed},
    )


def _tested(*options: str) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-m", "image", f"--junitxml={report}", TESTS]
        subprocess.run([*command, *options], cwd=PROJECT, stdout=subprocess.DEVNULL, check=False)
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - pytest wrote it
    failed = [case.attrib["name"] for case in cases if len(case)]
    return Found(passed=[case.attrib["name"] for case in cases if not len(case)], failed=failed)
