"""One line for each request, with what an operator needs and nothing that a caller would keep secret."""

import asyncio
import json
import logging
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from contract.phone import EXAMPLE
from service.telemetry.access_log import MOST_LINES, AccessLog
from service.telemetry.logs import JsonFormatter, stamp
from tests.running_service import ARTIFACTS, running_service

SECRET = "s3cr3t-that-nobody-else-may-see-0123456789"  # noqa: S105 - to be looked for


def logged(
    capfd: pytest.CaptureFixture[str], *asked: tuple[str, str, object, dict[str, str]], **environment: str
) -> tuple[str, str]:
    """Standard output, without the questions of the start, and standard error of a service so asked."""
    with running_service(ARTIFACTS, **environment) as running:
        for method, path, sent, headers in asked:
            running.client.request(method, path, json=sent, headers=headers)
    output, errors = capfd.readouterr()
    return "".join(line for line in output.splitlines(keepends=True) if "/health" not in line), errors


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_each_request_is_one_line_without_its_query_body_or_key(capfd: pytest.CaptureFixture[str]) -> None:
    headers = {"X-Request-ID": "abc-1", "X-API-Key": SECRET}
    output, errors = logged(
        capfd,
        ("POST", f"/predict?note={SECRET}", EXAMPLE | {"note": SECRET}, headers),
        ("POST", "/predict", EXAMPLE, {"X-Request-ID": "abc-2"}),
        ("GET", "/a%0Ab%22%1b%ff", None, {"X-Request-ID": 'x"} {"y'}),
    )
    refused, answered, unknown = lines(output)
    told = "time level message id client method path status milliseconds"
    assert list(refused) == told.split()
    found = refused["id"], refused["method"], refused["path"], refused["status"]
    assert found == ("abc-1", "POST", "/predict", 422)
    assert (answered["id"], answered["status"], answered["client"]) == ("abc-2", 200, "127.0.0.1")
    assert 0 < answered["milliseconds"] < 10_000
    assert (unknown["path"], unknown["status"]) == ('/a\nb"\x1b\ufffd', 404)
    assert re.fullmatch("[0-9a-f]{16}", unknown["id"])
    assert SECRET not in output + errors
    assert not re.search(r"[^\n\x20-\x7e]", output)
    assert {line["level"] for line in lines(errors)} == {"info"}


def test_answers_and_refusals_name_their_request(service: httpx.Client) -> None:
    for path in ("/predict", "/nowhere"):
        response = service.post(path, json=EXAMPLE, headers={"X-Request-ID": "mine"})
        assert response.headers["x-request-id"] == "mine"
        made = {service.post(path, json=EXAMPLE).headers["x-request-id"] for _ in range(10)}
        assert len(made) == 10
    for unsafe in ("", "a" * 65, "a b", "a\tb", "ä"):
        headers = {b"X-Request-ID": unsafe.encode()}
        assert re.fullmatch("[0-9a-f]{16}", service.get("/health", headers=headers).headers["x-request-id"])


def test_on_a_terminal_it_is_text(capfd: pytest.CaptureFixture[str]) -> None:
    asked = ("GET", "/no%0Aroute", None, {"X-Request-ID": "abc"})
    output, errors = logged(capfd, asked, PHONE_PRICE_LOG_FORMAT="text")
    assert re.fullmatch(r"\S+Z 404 GET /no\\nroute \d+\.\d ms 127\.0\.0\.1 abc\n", output)
    assert re.search(r"^INFO: +serving model", errors, re.M)


def test_what_a_proxy_tells_of_the_client_forges_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    forged = {b"X-Forwarded-For": b"1.2.3.4 - 200\x85FORGED \x9b31m"}
    with running_service(ARTIFACTS, PHONE_PRICE_LOG_FORMAT="text") as running:
        running.client.get("/model-info", headers=forged)
    (line,) = [line for line in capfd.readouterr().out.split("\n") if "/model-info" in line]
    assert line.isascii()
    assert line.isprintable()


def test_without_an_access_log_there_is_neither_line_nor_id(capfd: pytest.CaptureFixture[str]) -> None:
    with running_service(ARTIFACTS, PHONE_PRICE_ACCESS_LOG="false") as running:
        assert "x-request-id" not in running.client.post("/predict", json=EXAMPLE).headers
    assert capfd.readouterr().out == ""


def test_a_log_that_cannot_be_written_costs_no_answer() -> None:
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {}

    async def story() -> None:
        with Path("/dev/full").open("w") as full:
            log = AccessLog(app, in_json=True, file=full)
            for _ in range(2 * MOST_LINES):
                await log({"type": "http", "path": "/", "method": "GET", "headers": []}, receive, send)
            log.flush()
            with suppress(OSError):
                full.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # what is left must go somewhere

    asyncio.run(story())
    assert len(sent) == 2 * MOST_LINES


def test_an_exception_is_told_on_the_same_line() -> None:
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "failed: %s", ("a\nb",), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["message"]) == ("error", "failed: a\nb")
    assert told["exception"].endswith("RuntimeError: first\nsecond")


def test_a_moment_is_told_in_utc() -> None:
    assert stamp(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"
