"""The response to a table: read from the network, predicted and written piece by piece, in bounded memory."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

from fastapi import HTTPException, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from contract.errors import InvalidTableError
from service.connection import break_off, stop_if_left
from service.tables.scoring import TableScorer
from service.tables.spool import NoRoomError, Spool
from service.telemetry.logs import LOGGER

log = logging.getLogger(LOGGER)

MOST_DISCARDED_BYTES = 256 * 2**20
"""What is still read of a table that is refused."""


async def discard(chunks: AsyncIterator[bytes]) -> None:
    """Read the rest of a body: many clients read no answer, not even a refusal, before they have sent all."""
    discarded = 0
    async for chunk in chunks:
        discarded += len(chunk)
        if discarded > MOST_DISCARDED_BYTES:
            return


class TableAnswer(Response):
    """An ASGI response that scores `chunks` while it is sent.

    With `live` it begins with the first rows, unless the client speaks HTTP/1.0, which has to be told the
    length first; else when the last row has turned out right, so that a refusal can still be one. What goes
    wrong after the beginning breaks the answer off: none looks whole that is not.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], scorer: TableScorer, media_type: str, version: str, live: bool
    ) -> None:
        self._chunks = chunks
        self._scorer = scorer
        self._live = live
        self._begun = False
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.body = b""
        self.init_headers({"x-model-version": version})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        live = self._live and scope.get("http_version") != "1.0"
        with Spool() as spool:
            scoring = asyncio.create_task(self._score(spool, scope))
            try:
                if not live:
                    await scoring
                await self._send(spool, scoring, send, live)
            except ClientDisconnect:
                return
            finally:
                scoring.cancel()

    async def _score(self, spool: Spool, scope: Scope) -> None:
        try:
            async for chunk in self._chunks:
                await self._hold(self._scorer.feed(chunk), spool, scope)
            await self._hold(self._scorer.finish(), spool, scope)
        except InvalidTableError:
            await discard(self._chunks)
            raise
        except NoRoomError as error:
            log.error("there is no room to hold the answer to a table: %s", error)
            spool.drop()
            if self._begun:
                break_off(scope)  # a client that still sends reads no answer
            raise HTTPException(507, "The service has no room for the answer; send fewer rows") from error
        finally:
            spool.end()

    async def _hold(self, contents: Iterator[bytes], spool: Spool, scope: Scope) -> None:
        for content in contents:
            spool.write(content)
            await asyncio.sleep(0)  # others get their turn
            stop_if_left(scope)

    async def _send(self, spool: Spool, scoring: asyncio.Task[None], send: Send, live: bool) -> None:
        length = [] if live else [(b"content-length", b"%d" % len(spool))]
        async for content in spool.contents():
            if not self._begun:
                headers = self.raw_headers + length
                self._begun = True
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": content, "more_body": True})
        await scoring  # raises what went wrong
        await send({"type": "http.response.body", "body": b""})
