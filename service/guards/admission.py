"""So much work at a time: what comes beyond is refused at once and cheaply, and the rest is answered soon."""

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import refusal
from service.guards.access import HEALTH, METRICS
from service.settings import Settings
from service.telemetry.metrics import Metrics

TABLES = "/predict/batch"

NEVER_REFUSED = HEALTH | METRICS


class Admission:
    """ASGI, outermost: 503 with Retry-After beyond `max_requests`, and beyond `max_tables` of tables."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app = app
        self._most = {TABLES: settings.max_tables, "": settings.max_requests}
        self._in_flight = Counter[str]()
        self._refused = metrics.rejections
        metrics.in_flight(self._in_flight.total)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in NEVER_REFUSED:
            await self.app(scope, receive, send)
            return
        kind = TABLES if scope["path"] == TABLES else ""
        if self._in_flight[kind] >= self._most[kind]:
            self._refused("overload")
            await _too_much(scope, receive, send)
            return
        self._in_flight[kind] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._in_flight[kind] -= 1


_too_much = refusal(503, "Too much to do at once; try again in a second", {"Retry-After": "1"})
