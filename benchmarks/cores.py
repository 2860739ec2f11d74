"""Which cores serve and which make the load, so that the two do not take turns on one."""

import os
from collections.abc import Sequence


def available() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def for_server(workers: int = 1) -> list[int]:
    """Return a core for each worker, from the first on, as far as there are any."""
    return available()[:workers]


def for_load(workers: int = 1) -> list[int]:
    """Return the cores that no worker has; where none is left, the load shares the workers' cores."""
    cores = available()
    return cores[workers:] or cores


def are_shared(workers: int) -> bool:
    """Tell whether the load has to be made on the cores of that many workers."""
    return len(available()) <= workers


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    """Return the command, kept to the cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
