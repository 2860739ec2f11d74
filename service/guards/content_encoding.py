"""Refusing compressed bodies: a few bytes can unpack to gigabytes."""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import refusal


class PlainBodies:
    """ASGI middleware: 415 for a body with a Content-Encoding."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = _refused if scope["type"] == "http" and is_encoded(scope) else self.app
        await app(scope, receive, send)


def is_encoded(scope: Scope) -> bool:
    """Whether the body has a Content-Encoding."""
    return any(
        name == b"content-encoding" and value.lower() != b"identity" for name, value in scope["headers"]
    )


_refused = refusal(415, "The body is compressed; send it without Content-Encoding")
