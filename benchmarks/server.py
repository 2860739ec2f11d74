"""A peer's server: started on its cores, ready, and stopped with all its processes."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from socket import socket
from time import perf_counter, sleep
from typing import IO

import psutil

from benchmarks.cores import pinned
from benchmarks.errors import BenchmarkError
from benchmarks.peer import Peer

LONGEST_START = 60
"""Seconds until a server that is not ready is given up."""

LONGEST_STOP = 10
"""Seconds until a server that does not end is killed."""


@dataclass(frozen=True)
class Server:
    """A server that is ready."""

    peer: Peer
    process: psutil.Process
    port: int
    seconds_to_ready: float

    @property
    def url(self) -> str:
        """Where it predicts."""
        return f"http://127.0.0.1:{self.port}{self.peer.predict}"

    def resident_mib(self) -> list[float]:
        """Return the resident memory of each of its processes, in MiB, the largest first."""
        return sorted((each.memory_info().rss / 2**20 for each in _family(self.process)), reverse=True)


@contextmanager
def running(peer: Peer, cores: Sequence[int]) -> Iterator[Server]:
    """Start the peer on the cores, wait until it is ready, stop it in the end. Raises `BenchmarkError`."""
    port = _free_port()
    command, environment = pinned(peer.command(port), cores), environment_of(peer)
    with tempfile.TemporaryFile() as log:
        start = perf_counter()
        process = psutil.Popen(
            command, cwd=peer.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(peer, process, port, log)
            yield Server(peer, process, port, perf_counter() - start)
        finally:
            _stop(process)


def environment_of(peer: Peer) -> dict[str, str]:
    """Return the environment variables that the peer is started with."""
    # nobody's onnxruntime reports to its maker meanwhile; and Python may keep its bytecode, as it does by
    # default: else our sources are compiled at each start, while pip has compiled the frameworks
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**ours, "ORT_DISABLE_TELEMETRY": "1", **peer.environment}


def _free_port() -> int:
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(peer: Peer, process: psutil.Popen, port: int, log: IO[bytes]) -> None:
    deadline = perf_counter() + LONGEST_START
    while not _answers(port, peer.ready):
        if process.poll() is not None:
            raise BenchmarkError(f"{peer.title} ended with status {process.returncode}:\n{_end_of(log)}")
        if perf_counter() > deadline:
            raise BenchmarkError(f"{peer.title} was not ready within {LONGEST_START} s:\n{_end_of(log)}")
        sleep(0.002)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-2_000:].decode(errors="replace")


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _stop(process: psutil.Popen) -> None:
    """End the server and what it has started; some leave their workers behind."""
    if process.poll() is not None:
        return
    family = _family(process)
    process.terminate()
    _, left = psutil.wait_procs(family, timeout=LONGEST_STOP)
    for each in left:
        each.kill()
    psutil.wait_procs(left)
