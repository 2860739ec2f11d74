"""Asking an app without a server, where a test has to reach into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send


def ask(app: FastAPI, method: str, path: str, *, started: bool = True, json: object = None) -> httpx.Response:
    """Send one request; with `started` the lifespan has run, as it has before a server opens its port."""
    return asyncio.run(_ask(app, method, path, started, json))


async def _ask(app: FastAPI, method: str, path: str, started: bool, json: object) -> httpx.Response:
    async with in_process(app, started=started) as client:
        return await client.request(method, path, json=json)


@asynccontextmanager
async def in_process(app: FastAPI, *, started: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the app."""
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(app.router.lifespan_context(app)) if started else {}

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app(dict(scope) | {"state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        yield await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://in-process")
        )
