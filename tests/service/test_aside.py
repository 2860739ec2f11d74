"""What is computed aside: one after the other, so many at a time, and not for a client that has gone."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message

from contract.phone import EXAMPLE
from service.aside import Aside
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.running_service import ARTIFACTS, RunningService, running_service


async def stays() -> Message:
    """What the server tells of a client that waits: nothing."""
    await asyncio.Event().wait()
    raise AssertionError


async def goes() -> Message:
    return {"type": "http.disconnect"}


def aside_of(most: int) -> Aside:
    return Aside(Settings(max_explanations=most), Metrics())


def test_one_is_computed_after_the_other() -> None:
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.01)
        running -= 1

    async def ask() -> None:
        aside = aside_of(8)
        await asyncio.gather(*(aside.compute(work, stays) for _ in range(8)))

    asyncio.run(ask())
    assert most == 1


def test_beyond_so_many_it_is_refused_and_others_are_answered() -> None:
    go_on = threading.Event()

    async def ask() -> list[Any]:
        aside = aside_of(2)
        asked = [asyncio.create_task(aside.compute(lambda: go_on.wait(5), stays)) for _ in range(3)]
        await asyncio.sleep(0.05)
        go_on.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [*found, await aside.compute(lambda: 4, stays)]

    first, second, third, later = asyncio.run(ask())
    assert (first, second, later) == (True, True, 4)
    assert isinstance(third, HTTPException)
    assert third.status_code == 503
    assert third.headers == {"Retry-After": "1"}


def test_what_nobody_waits_for_is_not_computed_and_gives_its_place_back() -> None:
    go_on, computed = threading.Event(), []

    async def ask() -> None:
        aside = aside_of(2)
        waited_for = asyncio.create_task(aside.compute(lambda: go_on.wait(5), stays))
        for _ in range(20):
            await asyncio.sleep(0)
            with pytest.raises(ClientDisconnect):
                await aside.compute(lambda: computed.append(1), goes)
        await asyncio.sleep(0.01)  # the thread is told in the loop's next turns
        go_on.set()
        assert await waited_for

    asyncio.run(ask())
    assert computed == []


def test_a_failure_reaches_who_asked() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(aside_of(1).compute(fail, stays))


# over HTTP


@pytest.fixture(scope="module")
def running() -> Iterator[RunningService]:
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_EXPLANATIONS="2") as running:
        yield running


async def answers(running: RunningService, requests: int) -> AsyncIterator[httpx.Response]:
    async with httpx.AsyncClient(base_url=running.client.base_url, timeout=30) as client:
        for answer in await asyncio.gather(*(client.post("/explain", json=EXAMPLE) for _ in range(requests))):
            yield answer


def test_too_many_explanations_are_told_when_to_come_again(running: RunningService) -> None:
    async def statuses() -> list[tuple[int, str | None]]:
        return [(each.status_code, each.headers.get("retry-after")) async for each in answers(running, 20)]

    found = asyncio.run(statuses())
    assert {*found} == {(200, None), (503, "1")}
    assert found.count((200, None)) >= 2


def test_a_body_that_never_comes_holds_no_place(running: RunningService) -> None:
    port = running.client.base_url.port
    head = (
        b"POST /explain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    )
    waiting = [socket.create_connection(("127.0.0.1", port or 0)) for _ in range(5)]
    for each in waiting:
        each.sendall(head)
    time.sleep(0.2)
    assert running.client.post("/explain", json=EXAMPLE).status_code == 200
    assert running.client.post("/what-if", json=EXAMPLE).status_code == 200
    for each in waiting:
        each.close()


def test_a_phone_that_is_wrong_is_told_so_before_there_is_a_place(running: RunningService) -> None:
    assert running.client.post("/explain", json={**EXAMPLE, "ram": -1}).status_code == 422
