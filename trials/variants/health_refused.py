"""The service that refuses whatever is too much, its health not excepted."""

from unittest.mock import patch

from service.__main__ import app

with patch("service.guards.admission.HEALTH", frozenset()):
    app()
