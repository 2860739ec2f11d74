"""A real service process on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

PROJECT = Path(__file__).parents[1]
ARTIFACTS = PROJECT / "artifacts"


@dataclass(frozen=True)
class RunningService:
    """A process that is ready, and a client for it."""

    process: subprocess.Popen[bytes]
    client: httpx.Client


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running_service(artifacts: Path, *options: str, **environment: str) -> Iterator[RunningService]:
    """Start `python -m service serve`, wait until it is ready, stop it in the end."""
    port = free_port()
    command = [sys.executable, "-m", "service", "serve", "--artifacts", str(artifacts), "--port", str(port)]
    process = subprocess.Popen([*command, *options], cwd=PROJECT, env=os.environ | environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until_ready(client, process)
            yield RunningService(process, client)
    finally:
        process.terminate()
        process.wait(timeout=30)


def workers(running: RunningService) -> set[int]:
    """The living worker processes, by number."""
    found = set()
    for each in psutil.Process(running.process.pid).children():
        with suppress(psutil.NoSuchProcess):  # or is a zombie
            found |= {each.pid} if "spawn_main" in " ".join(each.cmdline()) else set()
    return found


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Poll /health until it answers 200; fail at once when the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the service ended with status {process.returncode}"
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.01)
    raise AssertionError(f"the service was not ready within {seconds} s")
