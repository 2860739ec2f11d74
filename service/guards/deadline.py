"""A caller that waits for so long and no longer says so: nobody works for an answer that comes too late."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import refusal

HEADER = b"x-request-timeout"

LONGEST = 600_000
"""Milliseconds."""

LONGEST_DIGITS = len(str(LONGEST))


class Deadline:
    """ASGI middleware: 504 when the milliseconds of X-Request-Timeout are over; a begun answer breaks off."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope.get("headers", ()) if name == HEADER), None)
        if given is None:
            await self.app(scope, receive, send)
        elif len(given) > LONGEST_DIGITS or not given.isdigit() or not 1 <= int(given) <= LONGEST:
            await _unclear(scope, receive, send)
        else:
            await self._until(int(given) / 1000, scope, receive, send)

    async def _until(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(seconds) as limit:
                await self.app(scope, receive, noted)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            await _too_late(scope, receive, send)


_unclear = refusal(400, f"X-Request-Timeout is in milliseconds, a whole number from 1 to {LONGEST}")
_too_late = refusal(504, "The time that X-Request-Timeout gave has gone by")
