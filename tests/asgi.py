"""Requests as a server hands them to the app, message by message, which no HTTP client lets a test choose."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Scope

from contract.phone import EXAMPLE

JSON = (b"content-type", b"application/json")
BODY = json.dumps(EXAMPLE).encode()


@dataclass(frozen=True)
class Request:
    """What a client sends; `parts` is the body as it arrives."""

    parts: tuple[bytes, ...] = (BODY,)
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    method: str = "POST"
    path: str = "/predict"
    query: bytes = b""
    root_path: str = ""
    sent_whole: bool = True

    def messages(self) -> Iterator[Message]:
        """Say what the server tells the app; after the body, that the client has gone."""
        for number, part in enumerate(self.parts, start=1):
            more = number < len(self.parts) or not self.sent_whole
            yield {"type": "http.request", "body": part, "more_body": more}
        while True:
            yield {"type": "http.disconnect"}


class Answer(NamedTuple):
    """What the client receives; status 0 for nothing."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def answer(app: ASGIApp, request: Request, state: Mapping[str, Any]) -> Answer:
    """Send one request to an app whose lifespan has given `state`; it has not run, if that is empty."""
    messages = request.messages()
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "root_path": request.root_path,
        "query_string": request.query,
        "headers": list(request.headers),
        "server": ("in-process", 80),
    }
    if state:
        scope["state"] = dict(state)
    try:
        await app(scope, receive, send)
    except Exception:
        if not sent:  # else it is told to the server once more, for its log
            raise
    if not sent:  # as to a client that has left
        return Answer(0, [], b"")
    start, *rest = sent
    return Answer(start["status"], start["headers"], b"".join(part["body"] for part in rest))
