"""OpenTelemetry: a span for each request, where the standard variables name a collector.

Only the path is told, never a query, a body or a key. Who has no collector pays nothing.
"""

import os
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from contract.errors import TracingError

VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE = "phone-price"

_QUERY = "phone_price.query_string"


class Exporter(Protocol):
    """What sends spans away."""

    def shutdown(self) -> None:
        """Send what waits; nothing is sent after."""


class Tracing:
    """ASGI: makes the spans, and goes on those of callers that send `traceparent`. Raises `TracingError`."""

    def __init__(self, app: ASGIApp) -> None:
        check_tracing()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE)
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.exporter: Exporter = provider
        self._traced = OpenTelemetryMiddleware(
            _WithQuery(app), tracer_provider=provider, exclude_spans=["receive", "send"]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope.get("query_string", b"")
        await self._traced({**scope, "query_string": b"", _QUERY: query}, receive, send)


class _WithQuery:
    """ASGI: gives the application the query that the spans have not seen."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "query_string": scope[_QUERY]}, receive, send)


def tracing_wanted() -> bool:
    """Whether a collector is named."""
    return any(os.environ.get(name) for name in VARIABLES) and not _is_true("OTEL_SDK_DISABLED")


def check_tracing() -> None:
    """Raise `TracingError` where spans are wanted and what makes them is not installed."""
    if not tracing_wanted():
        return
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.instrumentation.asgi  # noqa: F401
    except ImportError as error:
        raise TracingError(
            f"a collector is named by {' or '.join(VARIABLES)}, and {error.name} is not installed: "
            "pip install '.[tracing]', in the project's folder"
        ) from None


def _is_true(name: str) -> bool:
    return os.environ.get(name, "").lower() == "true"
