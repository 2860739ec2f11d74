"""So much work at a time: what comes beyond is refused at once and cheaply, and the rest is answered soon."""

import asyncio
from functools import cache
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Refuse, refusal
from service.guards.access import HEALTH, METRICS
from service.protocols.dialect import Dialects
from service.settings import Settings
from service.telemetry.access_log import AccessLog
from service.telemetry.metrics import Metrics

TABLES = "/predict/batch"

RETURNS_PER_SECOND = 1_000
"""Of those refused, how many may come again each second: enough to fill every place, had all others left,
and to refuse them all again is a tenth of the work."""

LONGEST_RETRY_SECONDS = 10

SMALL_BODY_BYTES = 64 * 1024
"""Some hundred phones in JSON, which take a few milliseconds."""

TOO_MUCH = "Too much to do at once; try again after the seconds of Retry-After"


class Overload:
    """Knows what is too much and how it is refused, for a server that makes nothing of the request then."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        access_log: AccessLog | None,
        dialects: Dialects,
    ) -> None:
        self._most = settings.max_requests
        never = HEALTH | METRICS | {TABLES} | dialects.open_paths
        self._never = frozenset(path.encode() for path in never)
        self._refuse_at = dialects.refuse_at
        self._refused = metrics.rejections
        self._access_log = access_log
        self._away = 0

    def refuses(self, under_way: int, url: bytes) -> bool:
        """Whether a request is one too many where so many are under way."""
        return under_way >= self._most and url.partition(b"?")[0] not in self._never

    def refuse(self, scope: Scope) -> tuple[bytes, int]:
        """Count and log a refusal; return the bytes of its answer, and the seconds after which to come again.

        Needs the method, path and headers.
        """
        self._refused("overload")
        seconds = min(1 + self._away // RETURNS_PER_SECOND, LONGEST_RETRY_SECONDS)
        self._away += 1
        asyncio.get_running_loop().call_later(seconds, self._come_again)
        head, body = _answer(seconds, self._refuse_at(scope["path"]))
        if not self._access_log:
            return head + body, seconds
        return b"%sx-request-id: %s\r\n%s" % (head, self._access_log.note(scope, 503), body), seconds

    def _come_again(self) -> None:
        self._away -= 1


@cache
def _answer(seconds: int, refuse: Refuse) -> tuple[bytes, bytes]:
    """Return the head without its end, and the rest."""
    response = _too_much(seconds, refuse)
    status = f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}\r\n".encode()
    headers = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
    return status + headers, b"\r\n" + bytes(response.body)


def _too_much(seconds: int, refuse: Refuse | None = None) -> Response:
    return refusal(503, TOO_MUCH, {"Retry-After": str(seconds)}, refuse)


class TableAdmission:
    """ASGI, outermost: 503 with Retry-After beyond `max_tables` at a time; tells what is in flight.

    To other platforms a table and a phone have one path: what is large there counts as a table.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, dialects: Dialects) -> None:
        self.app = app
        self._dialects = dialects
        self._free = HEALTH | METRICS | dialects.open_paths
        self._most = settings.max_tables
        self._tables = self._others = 0
        self._refused = metrics.rejections
        metrics.in_flight(lambda: self._tables + self._others)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._free:
            await self.app(scope, receive, send)
        elif self._is_table(scope):
            await self._table(scope, receive, send)
        else:
            self._others += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self._others -= 1

    def _is_table(self, scope: Scope) -> bool:
        path = scope["path"]
        return path == TABLES or (self._dialects.at(path) is not None and not _is_small(scope))

    async def _table(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._tables >= self._most:
            self._refused("overload")
            await _too_much(1, self._dialects.refuse_at(scope["path"]))(scope, receive, send)
            return
        self._tables += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._tables -= 1


def _is_small(scope: Scope) -> bool:
    """Whether the head says that little comes, and not packed."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (len(value) > 9 or int(value) > SMALL_BODY_BYTES):
            return False
        if name in (b"transfer-encoding", b"content-encoding"):
            return False
    return True
