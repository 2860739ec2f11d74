"""A service starts cold, nothing of it in the page cache, and is asked meanwhile whether it is ready."""

import importlib.util
import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from trials.outcome import Control, Outcome, at_most, exactly
from trials.published import copied_artifacts
from trials.raw_http import ask, request
from trials.service import LONGEST_START, PROJECT, SERVE, NotStartedError, end, free_port, variant

KIND = "chaos"
PASSES = "Ready within 10 s; until then nothing but 503 or no connection, then 200 and a prediction"

LONGEST = 10.0
LIBRARIES = (
    "fastapi",
    "starlette",
    "uvicorn",
    "pydantic",
    "pydantic_core",
    "numpy",
    "onnxruntime",
    "msgspec",
)


def run(long: bool) -> Outcome:
    """Five starts; or one."""
    found = [_started(SERVE) for _ in range(5 if long else 1)]
    slow, _ = _started(variant("slow_start"))
    return Outcome(
        lines=[
            at_most("slowest", max(seconds for seconds, _ in found), LONGEST, "s"),
            exactly("other answers meanwhile", sum(others for _, others in found), 0),
        ],
        controls=[
            Control(
                what="a service that takes 11 s to load its model",
                failed=slow > LONGEST,
                seen=f"ready after {slow:.1f} s",
            )
        ],
    )


def _started(command: Sequence[str]) -> tuple[float, int]:
    """Return the seconds until it was ready, and how often it had answered other than 503 before.

    Raises `NotStartedError` if it ended, or was not ready in time: such a control has shown nothing.
    """
    with copied_artifacts() as artifacts:
        _forget([PROJECT / "service", PROJECT / "contract", artifacts, *_folders_of_libraries()])
        port = free_port()
        start, others = time.monotonic(), 0
        told = [*command, "--artifacts", str(artifacts), "--port", str(port)]
        process = psutil.Popen(told, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while (status := _readiness(port)) != 200:
                if process.poll() is not None:
                    raise NotStartedError(f"{' '.join(told)} ended with status {process.returncode}")
                if time.monotonic() - start > LONGEST_START:
                    raise NotStartedError(f"{' '.join(told)} was not ready after {LONGEST_START:.0f} s")
                others += status not in (None, 503)
                time.sleep(0.01)
            return time.monotonic() - start, others
        finally:
            end(process)


def _readiness(port: int) -> int | None:
    try:
        return ask(port, request("GET", "/health/ready")).status
    except OSError:
        return None


def _folders_of_libraries() -> list[Path]:
    found = [importlib.util.find_spec(name) for name in LIBRARIES]
    return [Path(each.origin).parent for each in found if each and each.origin]


def _forget(folders: Iterable[Path]) -> None:
    """Ask the kernel to forget the content of all files, so that they are read from the disk again."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
