"""The service that measures durations by the clock on the wall."""

import time
from unittest.mock import patch

with patch("time.perf_counter", time.time):
    import service.app  # noqa: F401 - what it measures with is taken from there when it is imported

from service.__main__ import app

app()
