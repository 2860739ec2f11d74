"""The system calls by which a publisher changes the folder of the bundles; seen, made to fail, or its last.

strace does it, so what fails is what the kernel says to the real program.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trials.programs import needed
from trials.publisher import Way
from trials.service import PROJECT

CHANGING = ("openat", "write", "fsync", "mkdir", "rename", "unlink", "unlinkat", "rmdir")

_LINE = re.compile(rb"\d+ +(\w+)\((.*)\) += (-?\d+)")
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Call:
    """One system call on the folder."""

    name: str
    number: int
    """Among the calls of that name in the whole process, from 1."""
    texts: tuple[bytes, ...]
    """Its arguments that are paths or content."""
    path: str
    """Of the file or folder that it is about."""
    creates: bool


def publish(artifacts: Path, *options: str, way: Way = Way.AS_TRAINING) -> subprocess.CompletedProcess[str]:
    """Publish in a process of its own, under strace with these options."""
    told = ["-m", "trials.publisher", str(artifacts), "--way", way]
    return subprocess.run(
        [needed("strace"), "--seccomp-bpf", "-f", "-qq", *options, sys.executable, *told],
        cwd=PROJECT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def publish_with_fault(artifacts: Path, call: str, fault: str, way: Way = Way.AS_TRAINING) -> str | None:
    """Publish while `fault`, as in error=EIO:when=3, befalls that call.

    Returns what it said, or None where it ended as if nothing had happened.
    """
    options = ("-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:{fault}")
    done = publish(artifacts, *options, way=way)
    return None if done.returncode == 0 else done.stderr


def calls_of_publishing(artifacts: Path, way: Way = Way.AS_TRAINING) -> list[Call]:
    """Publish, and return the calls that changed the folder or opened something in it."""
    log = artifacts.with_name("strace.log")
    trace = f"trace={','.join(CHANGING)}"
    done = publish(artifacts, "-o", str(log), "-xx", "-s", "100000000", "-e", trace, way=way)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return list(_parsed(log.read_bytes(), str(artifacts)))


def _parsed(log: bytes, folder: str) -> Iterator[Call]:
    opened: dict[int, str] = {}
    numbers = dict.fromkeys(CHANGING, 0)
    for name, arguments, result in _LINE.findall(log):
        call = name.decode()
        numbers[call] += 1
        texts = tuple(
            bytes.fromhex(each.replace(b"\\x", b"").decode()) for each in _STRING.findall(arguments)
        )
        if call == "openat":
            opened[int(result)] = path = texts[0].decode()
        elif call in {"write", "fsync"}:
            path = opened.get(int(arguments.split(b",")[0]), "")
        else:
            path = texts[0].decode()
        if path.startswith(folder) and int(result) >= 0:
            yield Call(call, numbers[call], texts, path, b"O_CREAT" in arguments)


def _decoded(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode())
