"""What a test needs and a machine may lack."""

import os
from typing import NoReturn

import pytest


def say_absent(reason: str) -> NoReturn:
    """Skip the test and say why; where CI runs, nothing may be skipped, and it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
