"""What serving installs is what was locked, file by file, and has no known vulnerability."""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from trials.outcome import Control, Line, Outcome, at_least, exactly
from trials.service import PROJECT

KIND = "audit"
PASSES = (
    "Serving installs from its lock alone, wheels only, each with its hash; an altered hash is refused; "
    "no known vulnerability without an exception of at most 30 days"
)

LOCK = PROJECT / "serving.lock"
CONSTRAINTS = PROJECT / "constraints.txt"
EXCEPTIONS = PROJECT / "vulnerability-exceptions.toml"

OLDEST = timedelta(days=30)

VULNERABLE = "jinja2==2.11.2\n"
"""Known since 2021: CVE-2020-28493."""

_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def run(long: bool) -> Outcome:
    """Resolve the lock with pip, and ask pip-audit's service, in either form."""
    lock, pinned = LOCK.read_text(), dict(_pins(CONSTRAINTS.read_text()))
    others = [name for name, version in _pins(lock) if pinned.get(name) != version]
    altered = re.sub(r"sha256:(.)", lambda found: f"sha256:{'f' if found[1] != 'f' else '0'}", lock)
    lines = _audited(pinned)
    return Outcome(
        lines=[
            at_least("distributions in the lock", len(_pins(lock)), 20),
            exactly("of those pinned otherwise in constraints.txt", len(others), 0),
            exactly("installs from the lock that fail", int(not _installs(lock)), 0),
            *lines,
        ],
        controls=[
            Control(
                what="a lock with other hashes", failed=not _installs(altered), seen="pip refuses to install"
            )
        ],
        not_measured=[] if lines else ["vulnerabilities, as no service of advisories could be reached"],
    )


def _pins(text: str) -> list[tuple[str, str]]:
    return [(name.lower().replace("_", "-"), version) for name, version in _PIN.findall(text)]


def _installs(lock: str) -> bool:
    """Whether pip would install it, each file with its hash; it downloads them for that."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lock")
        path.write_text(lock)
        options = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-cache-dir"]
        command = ["pip", "download", "--quiet", *options, "--dest", folder, "--requirement", str(path)]
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False)
    return done.returncode == 0


def _audited(pinned: dict[str, str]) -> list[Line]:
    """Return the lines for known vulnerabilities; none where no service of advisories can be reached."""
    known = _vulnerabilities("".join(f"{name}=={version}\n" for name, version in pinned.items()))
    if not _vulnerabilities(VULNERABLE):
        return []
    excepted = tomllib.loads(EXCEPTIONS.read_text()) if EXCEPTIONS.exists() else {}
    fresh = {name for name, each in excepted.items() if date.today() - each["date"] <= OLDEST}
    return [
        at_least("distributions audited", len(pinned), 20),
        exactly("vulnerabilities without a fresh exception", len(known - fresh), 0),
    ]


def _vulnerabilities(requirements: str) -> set[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "requirements")
        path.write_text(requirements)
        command = ["pip_audit", "--requirement", str(path), "--no-deps", "--disable-pip", "--format", "json"]
        done = subprocess.run(
            [sys.executable, "-m", *command, "--progress-spinner", "off"], capture_output=True, check=False
        )
    told: dict[str, Any] = json.loads(done.stdout or b"{}")
    return {known["id"] for each in told.get("dependencies", []) for known in each.get("vulns", [])}
