"""Refusing compressed bodies: a few bytes can unpack to gigabytes."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import refusal


class PlainBodies:
    """ASGI middleware: 415 for a body with a Content-Encoding, but where it is unpacked with care."""

    def __init__(self, app: ASGIApp, unpacked_at: Callable[[str], bool]) -> None:
        self.app = app
        self._unpacked_at = unpacked_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        encoded = scope["type"] == "http" and is_encoded(scope) and not self._unpacked_at(scope["path"])
        await (_refused if encoded else self.app)(scope, receive, send)


def is_encoded(scope: Scope) -> bool:
    """Whether the body has a Content-Encoding."""
    return any(
        name == b"content-encoding" and value.lower() != b"identity" for name, value in scope["headers"]
    )


_refused = refusal(
    415, "The body is compressed; send it without Content-Encoding", {"Accept-Encoding": "identity"}
)
