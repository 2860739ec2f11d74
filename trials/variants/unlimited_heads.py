"""The service without a limit of heads, as uvicorn with httptools has none."""

from unittest.mock import patch

from service.__main__ import app

with patch("service.http_protocol.MOST_HEAD_BYTES", 2**40):
    app()
