"""The service under trial: real processes, their memory, and how they end."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket

import psutil

PROJECT = Path(__file__).parents[1]
ARTIFACTS = PROJECT / "artifacts"

SERVE = (sys.executable, "-m", "service", "serve")

LONGEST_START = 60.0
"""Seconds until a service that is not ready is given up."""

LONGEST_STOP = 40.0
"""Seconds until a service that does not end is killed: more than its grace."""


class NotStartedError(Exception):
    """The service under trial did not become ready; the text has the end of its log."""


def variant(name: str) -> Sequence[str]:
    """Return the command of a service from which a protection has been taken; most are for one worker."""
    return sys.executable, "-m", f"trials.variants.{name}", "serve"


@dataclass(frozen=True)
class Service:
    """A service that was ready."""

    process: psutil.Popen
    port: int
    log: Path

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer: the children that serve, or the process itself."""
        children = [each for each in self.process.children() if _serves(each)]
        return children or [self.process]

    def resident_bytes(self) -> int:
        """Return the resident memory of all its processes."""
        return sum(each.memory_info().rss for each in [self.process, *self.process.children(recursive=True)])

    def health(self, path: str = "/health") -> int | None:
        """Return the status of one look at its health; None where there was no answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()


@contextmanager
def serving(
    *options: str,
    artifacts: Path = ARTIFACTS,
    workers: int = 1,
    command: Sequence[str] = SERVE,
    port: int | None = None,
    **environment: str,
) -> Iterator[Service]:
    """Start the service, wait until it is ready, end it and all its processes. Raises `NotStartedError`.

    `command` may be another program that takes the same options: a variant that must fail.
    """
    port = port or free_port()
    told = [*command, "--artifacts", str(artifacts), "--port", str(port), "--workers", str(workers), *options]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as written:
            process = psutil.Popen(
                told, cwd=PROJECT, env=os.environ | environment, stdout=written, stderr=subprocess.STDOUT
            )
        service = Service(process, port, log)
        try:
            _wait_until_ready(service)
            yield service
        finally:
            end(process)


def _serves(child: psutil.Process) -> bool:
    """Whether a child is a worker: neither dead nor multiprocessing's own."""
    try:
        return not any("resource_tracker" in part for part in child.cmdline())
    except psutil.Error:
        return False


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(true: Callable[[], bool], seconds: float) -> float:
    """Return the seconds until it was true; infinity if it was not in so many."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if true():
            return time.monotonic() - start
        time.sleep(0.01)
    return float("inf")


def end(process: psutil.Popen) -> None:
    """SIGTERM, and SIGKILL for what is left of it and its children."""
    family = [process, *process.children(recursive=True)] if process.poll() is None else []
    if family:
        process.terminate()
    _, left = psutil.wait_procs(family, timeout=LONGEST_STOP)
    for each in left:
        each.kill()
    psutil.wait_procs(left)


def _wait_until_ready(service: Service) -> None:
    def settled() -> bool:
        return service.process.poll() is not None or service.health() == 200

    wait_until(settled, LONGEST_START)
    if service.process.poll() is not None or service.health() != 200:
        raise NotStartedError(service.log.read_bytes()[-2_000:].decode(errors="replace"))
