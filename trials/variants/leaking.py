"""The service with a leak of 1 KiB per prediction."""

from unittest.mock import patch

from starlette.types import Receive, Scope, Send

from service.__main__ import app
from service.fast_path import FastPath

_kept: list[bytes] = []
_answer = FastPath.__call__


async def _answer_and_keep(self: FastPath, scope: Scope, receive: Receive, send: Send) -> None:
    _kept.append(bytes(1024))
    await _answer(self, scope, receive, send)


with patch.object(FastPath, "__call__", _answer_and_keep):
    app()
