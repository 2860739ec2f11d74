"""Refusing a body that is too large before it fills the memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: 413 as soon as a body has turned out larger than `max_bytes`.

    Tables are let through: they are read a piece at a time, and their endpoint has limits of its own.
    FastAPI's own max_body_size answers in plain text where a length was declared; every error of this service
    has one body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, tables: str) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.tables = tables

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise HTTPException(413, f"The body is too large: send at most {self.max_bytes} bytes")
            return message

        await self.app(scope, receive if scope.get("path") == self.tables else counted, send)
