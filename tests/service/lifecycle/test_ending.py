"""Told to end, the service answers what is under way; blocked, it ends by itself."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from service.media_type import CSV, NDJSON
from tests.running_service import ARTIFACTS, PROJECT, RunningService, running_service

LINE = ",".join(str(EXAMPLE[name]) for name in FEATURES) + "\n"

ENDED_BY_SIGTERM = (0, -signal.SIGTERM, 128 + signal.SIGTERM)


def ended(running: RunningService, seconds: float) -> float:
    """Wait for its end; return how long that took."""
    start = time.monotonic()
    assert running.process.wait(timeout=seconds) in ENDED_BY_SIGTERM
    return time.monotonic() - start


def test_while_it_drains_it_is_not_ready_and_still_answers() -> None:
    with running_service(ARTIFACTS, PHONE_PRICE_DRAIN_SECONDS="2") as running:
        running.process.terminate()
        while (health := running.client.get("/health/ready")).status_code == 200:
            pass
        assert health.status_code == 503
        assert health.json()["detail"][0]["msg"] == "The service is stopping"
        assert running.client.get("/health/live").status_code == 200
        # of a client that has not noticed, on a connection of its own
        url = f"{running.client.base_url}/predict"
        assert httpx.post(url, json=EXAMPLE).status_code == 200
        assert 1 < ended(running, 10) < 5


def test_a_second_sigterm_ends_the_waiting() -> None:
    with running_service(ARTIFACTS, PHONE_PRICE_DRAIN_SECONDS="60") as running:
        running.process.terminate()
        while running.client.get("/health/ready").status_code == 200:
            pass
        running.process.terminate()
        assert ended(running, 10) < 5


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two workers"])
def test_an_upload_under_way_is_answered_whole(options: tuple[str, ...]) -> None:
    with running_service(ARTIFACTS, *options) as running:

        def lines() -> Iterator[bytes]:
            yield (",".join(FEATURES) + "\n").encode()
            for _ in range(10):
                yield LINE.encode()
                time.sleep(0.05)
            running.process.terminate()
            for _ in range(10):
                time.sleep(0.05)
                yield LINE.encode()

        headers = {"Content-Type": CSV, "Accept": NDJSON}
        answer = running.client.post("/predict/batch", content=lines(), headers=headers)
        assert answer.status_code == 200
        assert len([json.loads(line) for line in answer.text.splitlines()]) == 20
        running.client.close()
        ended(running, 20)


def test_requests_that_came_while_the_process_was_busy_are_answered() -> None:
    with running_service(ARTIFACTS) as running, ExitStack() as closed:
        host, port = running.client.base_url.host, running.client.base_url.port or 0
        waiting = [closed.enter_context(socket.create_connection((host, port), 60)) for _ in range(20)]
        for each in waiting:
            each.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")  # it is taken, and then idle
            assert each.recv(10_000).startswith(b"HTTP/1.1 200 ")
        table = json.dumps({"phones": [EXAMPLE] * 10_000}).encode()
        busy = [closed.enter_context(socket.create_connection((host, port), 60)) for _ in range(4)]
        for each in busy:
            each.sendall(posted("/predict/batch", table))
        for each in waiting:
            each.sendall(posted("/predict", json.dumps(EXAMPLE).encode()))
            time.sleep(0.02)
        running.process.terminate()
        for each in waiting + busy:
            assert each.recv(10_000).startswith(b"HTTP/1.1 200 ")
        closed.close()
        running.client.close()
        ended(running, 60)


@contextmanager
def held(processes: Iterable[int]) -> Iterator[None]:
    """Give them no processor, until SIGTERM waits for each: so busy is the machine."""
    for each in processes:
        os.kill(each, signal.SIGSTOP)
    yield
    while not all(is_to_end(each) for each in processes):
        time.sleep(0.05)
    for each in processes:
        os.kill(each, signal.SIGCONT)


def is_to_end(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    pending = re.findall(r"^(?:SigPnd|ShdPnd):\s+(\w+)$", status, re.MULTILINE)
    return any(int(signals, 16) >> signal.SIGTERM - 1 & 1 for signals in pending)


def test_connections_that_nobody_had_taken_when_it_was_told_to_end_are_answered() -> None:
    with running_service(ARTIFACTS) as running, ExitStack() as closed:
        running.client.close()
        port = running.client.base_url.port or 0
        with held({running.process.pid}):
            waiting = [
                closed.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(50)
            ]
            for each in waiting:
                each.sendall(posted("/predict", json.dumps(EXAMPLE).encode()))
            time.sleep(0.2)  # the server looks ten times a second whether it is to end
            running.process.terminate()
        for each in waiting:
            assert each.recv(10_000).startswith(b"HTTP/1.1 200 ")
        closed.close()
        ended(running, 60)


def posted(path: str, body: bytes) -> bytes:
    length = len(body)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}"
    return f"{head}\r\n\r\n".encode() + body


def is_refused(running: RunningService) -> bool:
    """Whether nobody listens; a connection that is taken and never answered is not refused."""
    try:
        socket.create_connection((running.client.base_url.host, running.client.base_url.port or 0)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one", "two workers"])
def test_while_an_upload_is_under_way_new_connections_are_refused(options: tuple[str, ...]) -> None:
    with running_service(ARTIFACTS, *options) as running:

        def lines() -> Iterator[bytes]:
            yield (",".join(FEATURES) + "\n").encode()
            running.process.terminate()
            deadline = time.monotonic() + 15
            while not is_refused(running) and time.monotonic() < deadline:
                yield LINE.encode()
                time.sleep(0.1)
            refused.append(is_refused(running))
            yield LINE.encode()

        refused: list[bool] = []
        answer = running.client.post("/predict/batch", content=lines(), headers={"Content-Type": CSV})
        assert refused == [True]
        assert answer.status_code == 200
        running.client.close()
        ended(running, 60)


@pytest.mark.parametrize("line", ["connection: close", "connection: keep-alive"])
def test_a_client_that_goes_on_sending_what_was_refused_delays_no_end(line: str) -> None:
    head = f"POST /nowhere HTTP/1.1\r\nhost: x\r\n{line}\r\ncontent-length: 9000000\r\n\r\n"
    with running_service(ARTIFACTS) as running:
        with socket.create_connection(("127.0.0.1", running.client.base_url.port or 0), 5) as connection:
            connection.sendall(head.encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
            running.client.close()
            running.process.terminate()
            start = time.monotonic()
            while running.process.poll() is None and time.monotonic() < start + 20:
                with suppress(OSError):
                    connection.sendall(b"more")
                time.sleep(0.05)
        assert time.monotonic() - start < 4


BLOCKED = """
import asyncio, sys, time
from service.lifecycle.watchdog import watch

async def main():
    watching = asyncio.create_task(watch(float(sys.argv[1])))
    await asyncio.sleep(0.6)  # to wait is not to be blocked
    time.sleep(float(sys.argv[2]))
    watching.cancel()
    await asyncio.wait([watching])

asyncio.run(main())
time.sleep(0.6)  # nothing is left of the watchdog
print("survived")
"""


def end_of(watched: float, blocked: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, str(watched), str(blocked)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)


def test_a_blocked_loop_ends_the_process_with_its_stack() -> None:
    done = end_of(watched=0.5, blocked=20)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "in main\n" in done.stderr


@pytest.mark.parametrize(("watched", "blocked"), [(0.5, 0.05), (0, 1)])
def test_a_loop_that_is_not_blocked_or_not_watched_goes_on(watched: float, blocked: float) -> None:
    done = end_of(watched, blocked)
    assert (done.returncode, done.stdout, done.stderr) == (0, "survived\n", "")
