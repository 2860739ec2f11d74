"""The service that ends as uvicorn does: what came while it was busy is neither taken nor read."""

from unittest.mock import patch

from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.__main__ import app

with (
    patch("service.lifecycle.ending.Server.shutdown", Server.shutdown),
    patch("service.http_protocol.PhonePriceProtocol.shutdown", HttpToolsProtocol.shutdown),
):
    app()
