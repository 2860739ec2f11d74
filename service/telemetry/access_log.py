"""A line for each request: who asked for what, what came of it, how long it took. No body, query or key.

Lines are written a few at a time, as each writing costs as much as a prediction.
"""

import asyncio
import json
import re
import sys
from contextlib import suppress
from random import getrandbits
from time import perf_counter, time
from typing import TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.telemetry.logs import stamp
from service.telemetry.metrics import CLIENT_GONE

FLUSH_SECONDS = 0.1

MOST_LINES = 1_000
"""That wait to be written."""

LONGEST_PATH = 200

_SAFE = re.compile(rb"[A-Za-z0-9-]{1,64}")


class AccessLog:
    """ASGI, outermost: writes the lines to standard output, and gives each answer its X-Request-ID."""

    def __init__(self, app: ASGIApp, in_json: bool, file: TextIO | None = None) -> None:
        self.app = app
        self._line = _as_json if in_json else _as_text
        self._file = file or sys.stdout
        self._waiting: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, request_id = perf_counter(), 0, _request_id(scope)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            status = status or 500  # as the server then answers
            raise
        finally:
            milliseconds = 1_000 * (perf_counter() - start)
            self._write(self._line(scope, request_id.decode(), status or CLIENT_GONE, milliseconds))

    def note(self, scope: Scope, status: int) -> bytes:
        """Write the line of a request that took no time; return its id."""
        request_id = _request_id(scope)
        self._write(self._line(scope, request_id.decode(), status, 0.0))
        return request_id

    def _write(self, line: str) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._waiting.append(line)
        if len(self._waiting) == MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what waits; where nobody reads it or the disk is full it is lost, but no answer is."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with suppress(OSError):
                self._file.write("".join(waiting))
                self._file.flush()


def _request_id(scope: Scope) -> bytes:
    """Return the caller's own, if it is safe to write, or a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SAFE.fullmatch(value):
            return bytes(value)
    return b"%016x" % getrandbits(64)  # to tell requests apart, not to keep a secret


def _as_json(scope: Scope, request_id: str, status: int, milliseconds: float) -> str:
    # a path may hold anything; the rest is safe as it stands
    path, client = json.dumps(scope["path"][:LONGEST_PATH]), json.dumps(_client(scope))
    return (
        f'{{"time": "{stamp(time())}", "level": "info", "message": "request", "id": "{request_id}", '
        f'"client": {client}, "method": "{scope["method"]}", "path": {path}, "status": {status}, '
        f'"milliseconds": {milliseconds:.3f}}}\n'
    )


def _as_text(scope: Scope, request_id: str, status: int, milliseconds: float) -> str:
    path = json.dumps(scope["path"][:LONGEST_PATH])[1:-1]
    client = json.dumps(_client(scope))[1:-1]  # a proxy may have handed on anything
    return f"{stamp(time())} {status} {scope['method']} {path} {milliseconds:.1f} ms {client} {request_id}\n"


def _client(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "-"
