"""What the benchmarks' tests stand on."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def wrk() -> None:
    """Without wrk a test says so; where CI runs, that is a failure."""
    if shutil.which("wrk") is None:
        reason = "wrk is not installed; on Debian: apt-get install wrk"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
