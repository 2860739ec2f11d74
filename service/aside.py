"""Answers that take milliseconds to compute: beside the event loop, one after the other."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import msgspec
from fastapi import HTTPException, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.guards.admission import TOO_MUCH
from service.media_type import JSON
from service.settings import Settings
from service.telemetry.metrics import Metrics

Work: TypeAlias = Callable[[], Any]
"""Computes what can be written as JSON."""

_encode = msgspec.json.Encoder().encode


class Aside:
    """A thread of its own; with several they would only take turns on the core that the event loop needs."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._thread = ThreadPoolExecutor(1, "aside")
        self._most = settings.max_explanations
        self._asked = 0
        self._refused = metrics.rejections

    async def compute(self, work: Work, receive: Receive) -> Any:
        """Compute when it is its turn; raise 503 beyond so many that wait, and `ClientDisconnect`."""
        if self._asked >= self._most:
            self._refused("overload")
            raise HTTPException(503, TOO_MUCH, {"Retry-After": "1"})
        self._asked += 1
        computing = asyncio.get_running_loop().run_in_executor(self._thread, work)
        gone = asyncio.ensure_future(receive())  # after the body comes nothing but that the client has gone
        try:
            await asyncio.wait((computing, gone), return_when=asyncio.FIRST_COMPLETED)
            if not computing.done():
                raise ClientDisconnect
            return computing.result()
        finally:
            computing.cancel()
            gone.cancel()
            self._asked -= 1

    def close(self) -> None:
        """Leave undone what has not begun."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class AsideAnswer(Response):
    """An ASGI response in JSON that is computed aside; nothing is sent to a client that did not wait."""

    media_type = JSON

    def __init__(self, aside: Aside, work: Work) -> None:
        super().__init__()
        self._aside = aside
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = await self._aside.compute(self._work, receive)
        except ClientDisconnect:
            return
        self.body = _encode(found)
        self.init_headers()
        await super().__call__(scope, receive, send)
