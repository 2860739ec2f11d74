"""The service without a server: its ASGI app asked directly, with all guards, in this process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from starlette.types import Message

from service.process import create_app
from service.settings import Settings
from trials.mutations import Body
from trials.service import ARTIFACTS


class Outcome(NamedTuple):
    """What came back."""

    status: int
    """600 where the app raised an error."""
    content: bytes
    seconds: float


class InProcess:
    """An app that has been started."""

    def __init__(self, app: Any, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state

    async def post(self, body: Body) -> Outcome:
        """Post a body, and wait for the whole answer."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": body.path,
            "raw_path": body.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"x"), (b"content-type", body.kind.encode()), *_json_length(body)],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "state": self._state.copy(),
        }
        coming: list[Message] = [{"type": "http.request", "body": body.content, "more_body": False}]
        status, content = 600, b""

        async def receive() -> Message:
            if not coming:
                await asyncio.Event().wait()  # the client has sent all, and waits
            return coming.pop()

        async def send(message: Message) -> None:
            nonlocal status, content
            status = message.get("status", status)
            content += message.get("body", b"")

        start = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever leaves the app is a failure of it
            status = 600
        return Outcome(status, content, time.perf_counter() - start)


def _json_length(body: Body) -> list[tuple[bytes, bytes]]:
    if body.json_length is None:
        return []
    return [(b"inference-header-content-length", b"%d" % body.json_length)]


@asynccontextmanager
async def started() -> AsyncIterator[InProcess]:
    """Start the app on the committed version, and stop it."""
    app = create_app(Settings(artifacts=ARTIFACTS, access_log=False, watchdog_seconds=0))
    async with app.router.lifespan_context(app) as state:
        yield InProcess(app, dict(state or {}))
