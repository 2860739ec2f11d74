"""The service with FastAPI's own errors, which repeat what was sent, and fail where that is no JSON."""

from unittest.mock import patch

from service.__main__ import app

with patch("service.app.install_error_handlers"):
    app()
