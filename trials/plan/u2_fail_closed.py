"""A key is needed, and there is none, one too short, or a file that holds none or cannot be read."""

import os
import subprocess
import tempfile
from pathlib import Path

from trials.outcome import Control, Outcome, at_least, exactly
from trials.service import ARTIFACTS, LONGEST_START, PROJECT, SERVE, free_port, serving

KIND = "audit"
PASSES = "The service refuses to start, in one line that says why"

GOOD = "0123456789abcdef" * 2


def run(long: bool) -> Outcome:
    """All of them, in either form: seconds."""
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder))
        refused = [_is_refused(environment) for environment in cases]
    with serving(PHONE_PRICE_HOST="0.0.0.0", PHONE_PRICE_API_KEYS=GOOD) as service:  # noqa: S104 - it has a key
        good = service.health() == 200
    return Outcome(
        lines=[at_least("cases", len(cases), 8), exactly("started", refused.count(False), 0)],
        controls=[Control(what="a good key", failed=good, seen="the service starts")],
    )


def _cases(folder: Path) -> list[dict[str, str]]:
    """Return environments; a file that cannot be read is a folder here, as root may read any other."""
    (folder / "empty").touch()
    (folder / "short").write_text("short\n")
    (folder / "binary").write_bytes(b"\xff" * 40)
    files = [str(folder / name) for name in ("missing", "empty", "short", "binary", ".")]
    return [
        {"PHONE_PRICE_HOST": "0.0.0.0"},  # noqa: S104 - to be refused
        {"PHONE_PRICE_HOST": "::"},
        {"PHONE_PRICE_API_KEYS": "short"},
        {"PHONE_PRICE_API_KEYS": f"{GOOD},short"},
        *({"PHONE_PRICE_API_KEYS_FILE": file} for file in files),
    ]


def _is_refused(environment: dict[str, str]) -> bool:
    """Whether the service ended with one line of error, rather than run on."""
    command = [*SERVE, "--artifacts", str(ARTIFACTS), "--port", str(free_port())]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_START,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode != 0 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
