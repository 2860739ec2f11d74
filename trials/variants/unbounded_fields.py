"""The service without bounds of values on its fast path."""

from unittest.mock import patch

with patch("msgspec.Meta", lambda **_: None):
    import service.valid_phone  # noqa: F401 - made while there are no bounds

from service.__main__ import app

app()
