"""One phone, ahead of FastAPI's machinery, which costs ten times the prediction.

A request that is plainly right (of the expected Content-Type, in one piece, a valid phone) is answered here:
decoded, predicted with the others of its turn, written as bytes. Anything else goes down FastAPI's own
path as if nobody had looked at it, so there is one place that words refusals. Both give the same bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.duplicate_fields import may_have_duplicates
from service.guards import deadline
from service.guards.keys import Keyring
from service.json_limits import MAX_PHONE_BYTES
from service.media_type import JSON
from service.prediction import PredictionAnswer
from service.telemetry.metrics import Metrics
from service.valid_phone import ValidPhone, values

_JSON = JSON.encode()
_NEVER = frozenset({b"content-encoding", b"expect", deadline.HEADER})  # whose meaning is not known here


@dataclass(frozen=True)
class ShortCut:
    """How one phone is asked for by POST and answered, with JSON in and out.

    `read` returns the phone's 20 specifications and what `write` needs to know of the request; it raises
    whatever it likes where the request is not plainly right.
    """

    route: str
    """The path, as the metrics name it."""
    read: Callable[[bytes], tuple[Sequence[float], Any]]
    write: Callable[[PredictionAnswer, Any], bytes]
    typed: bool = True
    """Whether the Content-Type has to say that it is JSON."""
    tells_version: bool = False
    """Whether a header says which model it was, as with tables."""
    not_with: frozenset[bytes] = frozenset()
    """Headers with which it is another kind of request."""


_decode = msgspec.json.Decoder(ValidPhone).decode
_encode = msgspec.json.Encoder().encode


def _read(body: bytes) -> tuple[Sequence[float], None]:
    if may_have_duplicates(body):
        raise ValueError
    return values(_decode(body)), None


PREDICT = ShortCut("/predict", _read, lambda answer, _: _encode(answer))


class FastPath:
    """ASGI: answers valid phones itself and hands everything else to `plain`."""

    def __init__(
        self,
        plain: ASGIApp,
        short_cuts: Mapping[str, ShortCut],
        metrics: Metrics,
        keyring: Keyring,
        max_bytes: int,
    ) -> None:
        self.plain = plain
        self.keyring = keyring
        self.max_bytes = min(max_bytes, MAX_PHONE_BYTES)
        self._short_cuts = short_cuts
        self._seconds_of = metrics.request_seconds
        self._seconds_of(PREDICT.route, 200)  # it is there before there is any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cut = self._short_cuts.get(scope["path"]) if scope["type"] == "http" else None
        # all that the head tells is looked at before the body is waited for: strangers are not waited for
        if cut is None or not (_is_plain(scope, cut) and self.keyring.admits(scope)):
            await self.plain(scope, receive, send)
            return
        start = perf_counter()
        message = await receive()
        try:
            phone, asked = cut.read(self._whole(message))
            answer = await scope["state"]["batcher"].predict(phone)
            body = cut.write(answer, asked)
        except Exception:  # noqa: BLE001 - whatever it is, the plain path meets it again, and logs and words it
            await self.plain(scope, _again(message, receive), send)
            return
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", _JSON)]
        if cut.tells_version:
            headers.append((b"x-model-version", answer["model_version"].encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._seconds_of(cut.route, 200).observe(perf_counter() - start)

    def _whole(self, message: Message) -> bytes:
        """Return the body that came in one piece. Raises `ValueError` for another."""
        body: bytes = message["body"]
        if message.get("more_body") or len(body) > self.max_bytes:
            raise ValueError
        return body


def _is_plain(scope: Scope, cut: ShortCut) -> bool:
    """Whether the head says nothing that only the plain path understands."""
    if scope["method"] != "POST" or scope["query_string"]:
        return False
    found = not cut.typed
    for name, value in scope["headers"]:
        if name == b"content-type":
            if cut.typed and (found or value != _JSON):
                return False
            found = True
        elif name in _NEVER or name in cut.not_with:
            return False
    return found


def _again(first: Message, receive: Receive) -> Receive:
    """`receive`, with the message that was taken from it put back."""
    taken = [first]

    async def replay() -> Message:
        return taken.pop() if taken else await receive()

    return replay
