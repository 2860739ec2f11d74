"""Beyond what it can do at a time it refuses at once, says when to come again, and stays healthy."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import create_connection, socket
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from contract.phone import EXAMPLE
from service.guards.admission import LONGEST_RETRY_SECONDS, RETURNS_PER_SECOND, Overload, TableAdmission
from service.protocols.dialect import Dialects
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.running_service import ARTIFACTS, RunningService, running_service

BATCH = {"phones": [EXAMPLE] * 10_000}
BODY = json.dumps(EXAMPLE).encode()


def posted(*headers: bytes) -> bytes:
    lines = [b"POST /predict HTTP/1.1", b"host: x", b"content-type: application/json", *headers]
    return b"\r\n".join([*lines, b"content-length: %d" % len(BODY), b"", BODY])


@pytest.fixture
def narrow() -> Iterator[RunningService]:
    with running_service(ARTIFACTS, PHONE_PRICE_MAX_REQUESTS="2", PHONE_PRICE_MAX_TABLES="1") as running:
        yield running


def connected(narrow: RunningService) -> socket:
    return create_connection(("127.0.0.1", narrow.client.base_url.port), timeout=10)


@contextmanager
def two_under_way(narrow: RunningService) -> Iterator[None]:
    """Two requests of which a part of the body is still to come; in the end they are answered."""
    with connected(narrow) as one, connected(narrow) as other:
        for connection in (one, other):
            connection.sendall(posted()[:-10])
        time.sleep(0.2)  # what is asked next is under way, too, and these are to be before it
        assert "phone_price_in_flight 2.0" in narrow.client.get("/metrics").text
        yield
        for connection in (one, other):
            connection.sendall(posted()[-10:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_beyond_the_limit_it_refuses_and_afterwards_takes_again(narrow: RunningService) -> None:
    client = narrow.client
    with two_under_way(narrow):
        refused = httpx.post(client.base_url.join("/predict"), json=EXAMPLE, headers={"X-Request-ID": "mine"})
        assert refused.status_code == 503
        assert (refused.headers["retry-after"], refused.headers["x-request-id"]) == ("1", "mine")
        assert refused.json()["detail"][0]["type"] == "service_unavailable"
        assert httpx.get(client.base_url.join("/model-info?x=1")).status_code == 503
        for never_refused in ("/health", "/health/live", "/health/ready", "/metrics"):
            assert client.get(never_refused).status_code == 200
        assert client.post("/predict/batch", json={"phones": [EXAMPLE]}).status_code == 200, (
            "has its own limit"
        )
        assert 'phone_price_rejections_total{reason="overload"} 2.0' in client.get("/metrics").text
    assert client.post("/predict", json=EXAMPLE).status_code == 200


def test_who_was_told_to_retry_later_is_heard_about_then_and_others_at_once(narrow: RunningService) -> None:
    with connected(narrow) as impatient:
        with two_under_way(narrow):
            impatient.sendall(posted())
            assert impatient.recv(65536).startswith(b"HTTP/1.1 503 ")
            refused = time.monotonic()
            impatient.sendall(posted())
        assert narrow.client.post("/predict", json=EXAMPLE).status_code == 200
        assert time.monotonic() - refused < 0.4
        assert impatient.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - refused > 0.4
        impatient.sendall(posted())
        assert impatient.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_the_connection_of_a_proxy_is_listened_to_at_once(narrow: RunningService) -> None:
    """The next request on it is another client's."""
    with connected(narrow) as proxy:
        with two_under_way(narrow):
            proxy.sendall(posted(b"x-forwarded-for: 192.0.2.1"))
            assert proxy.recv(65536).startswith(b"HTTP/1.1 503 ")
            refused = time.monotonic()
        proxy.sendall(posted(b"x-forwarded-for: 192.0.2.2"))
        assert proxy.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - refused < 0.4


@pytest.mark.parametrize("header", [b"connection: close", b"expect: 100-continue"])
def test_a_refusal_after_which_nothing_can_come_ends_the_connection(
    narrow: RunningService, header: bytes
) -> None:
    with two_under_way(narrow), connected(narrow) as connection:
        connection.sendall(posted(header))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.count(b"HTTP/1.1") == 1


def test_a_refusal_of_head_has_no_body_that_would_be_taken_for_an_answer(narrow: RunningService) -> None:
    with two_under_way(narrow), connected(narrow) as connection:
        connection.sendall(b"HEAD /model-info HTTP/1.1\r\nhost: x\r\nvia: 1.1 proxy\r\n\r\n")
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        head, _, rest = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert rest.startswith(b"HTTP/1.1 200 ")


def test_of_requests_in_a_row_the_earlier_is_answered_first(narrow: RunningService) -> None:
    with connected(narrow) as connection, connected(narrow) as other:
        other.sendall(posted()[:-10])
        connection.sendall(posted() * 3)
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 3:
            answers += connection.recv(65536)
        assert answers.startswith(b"HTTP/1.1 200 ")


def test_the_more_are_refused_the_later_they_are_told_to_come() -> None:
    async def story() -> None:
        overload = Overload(Settings(), Metrics(), None, Dialects(Settings()))
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
        told = [overload.refuse(scope) for _ in range(RETURNS_PER_SECOND * (LONGEST_RETRY_SECONDS + 2))]
        seconds = [each for _, each in told]
        assert seconds[0] == 1
        assert seconds[2 * RETURNS_PER_SECOND] == 3
        assert seconds[-1] == LONGEST_RETRY_SECONDS
        for answer, each in told:
            assert b"\r\nretry-after: %d\r\n" % each in answer

    asyncio.run(story())


@dataclass
class Slow:
    """An app that answers when it is let go."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def asked(admission: TableAdmission, path: str = "/predict/batch") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody reads what is refused")

    await admission({"type": "http", "path": path, "headers": []}, receive, send)
    return sent


def statuses(answers: list[list[Message]]) -> list[int]:
    return [messages[0]["status"] for messages in answers]


def test_a_table_too_many_is_refused_and_afterwards_taken() -> None:
    async def story() -> None:
        slow, metrics = Slow(), Metrics()
        admission = TableAdmission(slow, Settings(max_tables=1), metrics, Dialects(Settings()))
        waiting = [asyncio.create_task(asked(admission, path)) for path in ("/predict", "/predict/batch")]
        await asyncio.sleep(0)
        assert b"phone_price_in_flight 2.0" in metrics.exposition()

        start, body = await asked(admission)
        assert start["status"] == 503
        assert (b"retry-after", b"1") in start["headers"]
        assert json.loads(body["body"])["detail"][0]["type"] == "service_unavailable"
        assert b'phone_price_rejections_total{reason="overload"} 1.0' in metrics.exposition()

        slow.go.set()
        assert statuses([*await asyncio.gather(*waiting), await asked(admission)]) == [200] * 3
        assert b"phone_price_in_flight 0.0" in metrics.exposition()

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_what_fails_or_is_given_up_makes_room_again(path: str) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    async def story() -> None:
        metrics = Metrics()
        admission = TableAdmission(broken, Settings(max_tables=1), metrics, Dialects(Settings()))
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await asked(admission, path)
        admission.app = Slow()
        for _ in range(3):
            given_up = asyncio.create_task(asked(admission, path))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.wait([given_up])
        assert b"phone_price_in_flight 0.0" in metrics.exposition()
        admission.app.go.set()
        assert statuses([await asked(admission, path)]) == [200]

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
