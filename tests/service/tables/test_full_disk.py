"""A disk that is full while an answer is held on it: a small one, which only root can mount."""

import itertools
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from contract.phone import EXAMPLE, FEATURES
from service.media_type import CSV, NDJSON
from tests.absent import say_absent
from tests.running_service import ARTIFACTS, RunningService, running_service

HEAD = (",".join(FEATURES) + "\n").encode()
LINES = (",".join(str(EXAMPLE[name]) for name in FEATURES) + "\n").encode() * 1_000

HEAD_WITHOUT_END = (
    f"POST /predict/batch?on_error=skip HTTP/1.1\r\nHost: x\r\nContent-Type: {CSV}\r\n"
    f"Accept: {NDJSON}\r\nContent-Length: {10**12}\r\n\r\n".encode()
) + HEAD

ENOUGH = 400
"""Thousands of lines, whose answer fits neither the memory nor the disk."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        say_absent("a small disk to fill can only be mounted by root")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@contextmanager
def service_on(small_disk: Path) -> Iterator[RunningService]:
    """A service with its temporary files there, which takes one table at a time.

    It is no fixture, as pytest catches what is written in a test apart from what is written before it.
    """
    with running_service(ARTIFACTS, TMPDIR=str(small_disk), PHONE_PRICE_MAX_TABLES="1") as running:
        yield running


def post(running: RunningService, on_error: str, thousands: int) -> httpx.Response:
    content = itertools.chain([HEAD], itertools.repeat(LINES, thousands))
    headers = {"Content-Type": CSV, "Accept": NDJSON}
    return running.client.post(f"/predict/batch?on_error={on_error}", content=content, headers=headers)


def send_without_end(client: socket.socket) -> None:
    while True:
        client.sendall(LINES)


def errors_told(capfd: pytest.CaptureFixture[str]) -> list[str]:
    lines = capfd.readouterr().err.splitlines()
    return [json.loads(line)["message"] for line in lines if '"level": "error"' in line]


def wait_for_an_answer(running: RunningService) -> None:
    """Until the one place for a table is free."""
    deadline = time.monotonic() + 60
    while (answer := post(running, "skip", 1)).status_code == 503:
        assert time.monotonic() < deadline
    assert answer.status_code == 200
    assert answer.text.count("\n") == 1_000


def is_the_line_of_a_full_disk(told: str) -> bool:
    start = "there is no room to hold the answer to a table: No space left on device: "
    return told.startswith(start) and told.endswith(" bytes free")


def test_an_answer_that_has_begun_is_broken_off_at_once(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with service_on(small_disk) as running:
        address = "127.0.0.1", running.client.base_url.port or 0
        with socket.create_connection(address, timeout=30) as client:
            client.sendall(HEAD_WITHOUT_END)
            with pytest.raises((ConnectionResetError, BrokenPipeError)):  # neither does it wait in vain
                send_without_end(client)
        wait_for_an_answer(running)
    (told,) = errors_told(capfd)
    assert is_the_line_of_a_full_disk(told)


def test_an_answer_that_has_not_begun_is_a_refusal_and_logged(
    small_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with service_on(small_disk) as running:
        answer = post(running, "fail", ENOUGH)
        assert answer.status_code == 507
        assert "send fewer rows" in answer.text
        assert post(running, "fail", 10).status_code == 200
    (told,) = errors_told(capfd)
    assert is_the_line_of_a_full_disk(told)
