"""The service that treats an Upgrade as uvicorn does: what comes after the head is no body."""

from unittest.mock import patch

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.__main__ import app

OURS = "service.http_protocol.PhonePriceProtocol"

with (
    patch(f"{OURS}.data_received", HttpToolsProtocol.data_received),
    patch(f"{OURS}.on_headers_complete", HttpToolsProtocol.on_headers_complete),
    patch(f"{OURS}.on_message_complete", HttpToolsProtocol.on_message_complete),
):
    app()
