"""Clients understand only their own platform's errors: whoever refuses, it is said in the path's dialect."""

from collections.abc import Callable

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.violation import Violation
from service.errors import Refuse, error_response


class _Refusal(msgspec.Struct):
    detail: list[Violation]


_decode = msgspec.json.Decoder(_Refusal).decode

_OF_THE_BODY = frozenset({b"content-length", b"content-type"})


class Wording:
    """ASGI: hands on answers as they are, and refusals as the dialect of their path has them."""

    def __init__(self, app: ASGIApp, refuse_at: Callable[[str], Refuse]) -> None:
        self.app = app
        self._refuse_at = refuse_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse = self._refuse_at(scope.get("path", ""))
        if refuse is not error_response:
            send = _Reworded(send, refuse)
        await self.app(scope, receive, send)


class _Reworded:
    """`send`, which holds a refusal back until it is whole."""

    def __init__(self, send: Send, refuse: Refuse) -> None:
        self._send = send
        self._refuse = refuse
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._say(self._start)

    async def _say(self, start: Message) -> None:
        try:
            violations = _decode(self._body).detail
        except msgspec.MsgspecError:  # the dialect has worded it already
            headers, body = start["headers"], self._body
        else:
            response = self._refuse(start["status"], violations, None)
            start = {**start, "status": response.status_code}
            others = [header for header in start["headers"] if header[0] not in _OF_THE_BODY]
            headers, body = [*others, *response.raw_headers], bytes(response.body)
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
