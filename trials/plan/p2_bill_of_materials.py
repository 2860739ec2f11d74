"""The bill of materials names what is installed, and the key tells an altered bundle from a signed one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Collection
from importlib.metadata import distributions
from pathlib import Path

from contract.bundle import SigningKey, current_version, sign_version
from trials.altered_bundle import vouch_for
from trials.outcome import Control, Outcome, at_least, exactly
from trials.published import copied_artifacts
from trials.service import PROJECT, SERVE, NotStartedError, free_port, serving

KIND = "audit"
PASSES = (
    "The bill (CycloneDX) lists every distribution that is installed; a service with a key refuses an "
    "altered or unsigned bundle, or one of another key, with exit 3"
)

KEY, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def run(long: bool) -> Outcome:
    """Make the bill, and start the service on four bundles, in either form."""
    listed = _bill()
    installed = {_plain(each.name) for each in distributions()}
    with copied_artifacts() as artifacts:
        unsigned = _refused(artifacts, KEY)
        sign_version(artifacts, current_version(artifacts), SigningKey(KEY))
        other = _refused(artifacts, OTHER)
        signed_starts = not _refused(artifacts, KEY)
        _alter(artifacts)
        altered = _refused(artifacts, KEY)
        believed = not _refused(artifacts, "")
    return Outcome(
        lines=[
            at_least("distributions installed", len(installed), 50),
            exactly("of those not in the bill", len(_missing(installed, listed)), 0),
            exactly("bundles believed that should not be", [unsigned, other, altered].count(False), 0),
            exactly("signed bundles refused", int(not signed_starts), 0),
        ],
        controls=[
            Control(
                what="a bill without one of them",
                failed=_missing(installed, listed - {"numpy"}) == {"numpy"},
                seen="numpy is missing",
            ),
            Control(
                what="no key",
                failed=believed,
                seen="an altered file with an altered hash is believed",
            ),
        ],
    )


def _bill() -> set[str]:
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--of", "JSON"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)
    return {_plain(each["name"]) for each in json.loads(done.stdout)["components"]}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _missing(installed: Collection[str], listed: Collection[str]) -> set[str]:
    return set(installed) - set(listed)


def _alter(artifacts: Path) -> None:
    """Put another scaler in, as one who knows how bundles are made: its hash fits."""
    directory = artifacts / current_version(artifacts)
    scaler = directory / "scaler.joblib"
    scaler.write_bytes(scaler.read_bytes() + b"\0")
    vouch_for(directory, scaler.name)


def _refused(artifacts: Path, key: str) -> bool:
    """Whether the service ends with status 3 rather than to start."""
    try:
        with serving(artifacts=artifacts, PHONE_PRICE_SIGNING_KEY=key):
            return False
    except NotStartedError:
        command = [*SERVE, "--artifacts", str(artifacts), "--port", str(free_port())]
        return _status(command, key) == 3


def _status(command: list[str], key: str) -> int:
    environment = os.environ | {"PHONE_PRICE_SIGNING_KEY": key}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, check=False).returncode
