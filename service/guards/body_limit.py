"""Refusing a body that is too large before it fills the memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: 413 as soon as a body is known to exceed `max_bytes`, by its head or as it comes.

    Tables are let through: they are read a piece at a time, and their endpoint has limits of its own.
    FastAPI's own max_body_size answers in plain text where a length was declared; every error of this service
    has one body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, tables: str) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.tables = tables

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == self.tables:
            await self.app(scope, receive, send)
            return
        await self.app(scope, limited(receive, scope, self.max_bytes), send)


def limited(receive: Receive, scope: Scope, max_bytes: int) -> Receive:
    """Return `receive` that raises 413 as soon as a body is known to exceed `max_bytes`."""
    declared, received = declared_bytes(scope), 0

    async def counted() -> Message:
        nonlocal received
        if declared > max_bytes:  # before the body is asked for, and after its route is known
            raise HTTPException(413, too_large(max_bytes))
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise HTTPException(413, too_large(max_bytes))
        return message

    return counted


def declared_bytes(scope: Scope) -> int:
    """Return what Content-Length says, or 0 without one."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)


def too_large(max_bytes: int) -> str:
    """Word a refusal."""
    return f"The body is too large: send at most {max_bytes} bytes"
