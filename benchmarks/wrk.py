"""The load: wrk, which asks again on each connection as soon as it has been answered."""

import json
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from benchmarks.cores import pinned
from benchmarks.errors import BenchmarkError

SCRIPT = Path(__file__).with_suffix(".lua")

LONGEST_ANSWER = 10
"""Seconds until wrk calls a request timed out; its default of 2 is a slow peer's bad moment."""

FAILURES = ("connect", "read", "write", "status", "timeout")


class Load(BaseModel):
    """What wrk saw, of answers that were all right."""

    requests: int
    seconds: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    generator_share: float = 0.0
    """CPU seconds of wrk per second: near 1, wrk was the limit and not the server."""


def put_load(
    url: str,
    bodies: Sequence[str],
    connections: int,
    seconds: int,
    cores: Sequence[int],
    headers: Mapping[str, str] | None = None,
) -> Load:
    """Post the bodies in turn, on keep-alive connections, with further headers. Raises `BenchmarkError`."""
    if shutil.which("wrk") is None:
        raise BenchmarkError("wrk is not installed; on Debian: apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as lines:
        lines.write("\n".join(bodies))
        lines.flush()
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        command += ["--timeout", f"{LONGEST_ANSWER}s", "--script", str(SCRIPT), url, "--", lines.name]
        command += [part for header in (headers or {}).items() for part in header]
        before = _cpu_seconds()
        done = subprocess.run(pinned(command, cores), capture_output=True, text=True, check=False)  # noqa: S603 - our own list
    if done.returncode != 0:
        raise BenchmarkError(f"wrk failed: {done.stderr.strip()}")
    load = read_figures(done.stdout)
    return load.model_copy(update={"generator_share": (_cpu_seconds() - before) / load.seconds})


def read_figures(output: str) -> Load:
    """Read the line that the script printed last. Raises `BenchmarkError` if any request failed."""
    figures = json.loads(output.splitlines()[-1])
    failed = {kind: figures[kind] for kind in FAILURES if figures[kind]}
    if failed:
        raise BenchmarkError(f"of {figures['requests']} requests some failed, by kind: {failed}")
    if figures["requests"] == 0:
        raise BenchmarkError("no request was answered")
    seconds = figures["microseconds"] / 1e6
    return Load(
        requests=figures["requests"],
        seconds=seconds,
        requests_per_second=figures["requests"] / seconds,
        p50_ms=figures["p50"] / 1e3,
        p99_ms=figures["p99"] / 1e3,
    )


def _cpu_seconds() -> float:
    """CPU seconds of the child processes that have ended; of these only wrk ends while it is measured."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
