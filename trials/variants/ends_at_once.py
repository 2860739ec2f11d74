"""The service that ends at SIGTERM at once, whatever is under way."""

import signal
from unittest.mock import patch

from service.__main__ import app


def _end_at_once(_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


with patch("service.lifecycle.draining.Drain.listen", _end_at_once):
    app()
