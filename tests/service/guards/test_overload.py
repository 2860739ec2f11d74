"""Beyond what it can do at a time it refuses at once, says when to come again, and stays healthy."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from contract.phone import EXAMPLE
from service.guards.admission import Admission
from service.settings import Settings
from service.telemetry.metrics import Metrics

BATCH = {"phones": [EXAMPLE] * 10_000}


@dataclass
class Slow:
    """An app that answers when it is let go."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def asked(admission: Admission, path: str) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody reads what is refused")

    await admission({"type": "http", "path": path, "headers": []}, receive, send)
    return sent


def statuses(answers: list[list[Message]]) -> list[int]:
    return [messages[0]["status"] for messages in answers]


def test_beyond_the_limit_it_refuses_and_afterwards_takes_again() -> None:
    async def story() -> None:
        slow, metrics = Slow(), Metrics()
        admission = Admission(slow, Settings(max_requests=2, max_tables=1), metrics)
        waiting = [asyncio.create_task(asked(admission, path)) for path in ("/predict", "/model-info")]
        tables = asyncio.create_task(asked(admission, "/predict/batch"))
        await asyncio.sleep(0)
        assert b"phone_price_in_flight 3.0" in metrics.exposition()

        for path in ("/predict", "/nowhere", "/predict/batch"):
            start, body = await asked(admission, path)
            assert start["status"] == 503
            assert (b"retry-after", b"1") in start["headers"]
            assert json.loads(body["body"])["detail"][0]["type"] == "service_unavailable"
        assert b'phone_price_rejections_total{reason="overload"} 3.0' in metrics.exposition()
        healthy = [asyncio.create_task(asked(admission, path)) for path in ("/health", "/metrics")]

        slow.go.set()
        assert statuses([*await asyncio.gather(*waiting, *healthy), await tables]) == [200] * 5
        assert (
            statuses([await asked(admission, path) for path in ("/predict", "/predict/batch")]) == [200] * 2
        )
        assert b"phone_price_in_flight 0.0" in metrics.exposition()

    asyncio.run(story())


def test_what_fails_or_is_given_up_makes_room_again() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    async def story() -> None:
        admission = Admission(broken, Settings(max_requests=1), Metrics())
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await asked(admission, "/predict")
        admission.app = Slow()
        for _ in range(3):
            given_up = asyncio.create_task(asked(admission, "/predict"))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait([given_up])
        admission.app.go.set()
        assert statuses([await asked(admission, "/predict")]) == [200]

    asyncio.run(story())


def within(milliseconds: str, service: httpx.Client, path: str, sent: Any) -> httpx.Response:
    return service.post(path, json=sent, headers={"X-Request-Timeout": milliseconds})


def test_an_answer_that_would_come_too_late_is_none(service: httpx.Client) -> None:
    response = within("1", service, "/predict/batch", BATCH)
    assert response.status_code == 504
    assert response.json()["detail"][0]["msg"] == "The time that X-Request-Timeout gave has gone by"


def test_an_answer_in_time_is_the_same_as_ever(service: httpx.Client) -> None:
    for path, sent in (("/predict", EXAMPLE), ("/predict/batch", {"phones": [EXAMPLE]})):
        assert within("60000", service, path, sent).content == service.post(path, json=sent).content


@pytest.mark.parametrize("given", ["", "0", "-1", "1.5", "1s", "600001", "9" * 5_000, "\u00b2"])
def test_an_unclear_time_is_refused(service: httpx.Client, given: str) -> None:
    headers = {b"X-Request-Timeout": given.encode("latin-1")}
    response = service.post("/predict", json=EXAMPLE, headers=headers)
    assert response.status_code == 400
    assert response.json()["detail"][0]["msg"].startswith("X-Request-Timeout is in milliseconds")
