"""What the benchmarks' tests stand on."""

import shutil

import pytest

from tests.absent import say_absent


@pytest.fixture(scope="session")
def wrk() -> None:
    if shutil.which("wrk") is None:
        say_absent("wrk is not installed; on Debian: apt-get install wrk")
