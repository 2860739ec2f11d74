"""One service in this process, asked on its fast path and on FastAPI's own."""

import asyncio
from contextlib import AsyncExitStack

from starlette.types import Receive, Scope, Send

from service.app import PhonePriceService, create_app
from service.batching import TurnBatcher
from service.settings import Settings
from tests.asgi import Answer, Request, answer
from tests.running_service import ARTIFACTS

LIMIT = 16 * 1024
"""Bytes of a body that the service in this process takes."""


def ordered_headers(answer: Answer) -> Answer:
    return answer._replace(headers=sorted(answer.headers))


class TwoPaths:
    """One service in this process: with its fast path, and as FastAPI alone has it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, app: PhonePriceService, batcher: TurnBatcher, taken: list[int]
    ) -> None:
        self.loop = loop
        self.app = app
        self.batcher = batcher
        self.taken = taken  # the rows of each engine call of the fast path

    def agree(self, request: Request, *, loaded: bool = True) -> tuple[Answer, bool]:
        """Check that both answer alike; return the answer, and whether the fast path gave it."""
        state = {"batcher": self.batcher} if loaded else {}
        return self.loop.run_until_complete(self._agree(request, state))

    async def _agree(self, request: Request, state: dict[str, TurnBatcher]) -> tuple[Answer, bool]:
        self.taken.clear()
        found = await answer(self.app, request, state)
        taken = bool(self.taken)
        assert ordered_headers(found) == ordered_headers(await answer(self._plain, request, state)), request
        assert self.taken == [1] * taken, "the plain path has taken the fast one"
        return found, taken

    async def _plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app.plain_path(scope, receive, send)


async def started(stack: AsyncExitStack) -> TwoPaths:
    app = create_app(Settings(artifacts=ARTIFACTS, max_body_bytes=LIMIT, access_log=False))
    state = await stack.enter_async_context(app.router.lifespan_context(app))
    assert state is not None
    taken: list[int] = []
    return TwoPaths(
        asyncio.get_running_loop(), app, TurnBatcher(state["batcher"].predictor, taken.append), taken
    )
