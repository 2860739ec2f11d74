"""The metrics of all workers, which any of them can tell: prometheus-client keeps them in shared files."""

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.values import MultiProcessValue

from service.telemetry.logs import LOGGER

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that prometheus-client reads when it is imported."""

log = logging.getLogger(LOGGER)


@contextmanager
def shared_by(workers: int) -> Iterator[None]:
    """Make workers that are started meanwhile share their metrics, in a folder that is then removed."""
    if workers == 1:
        yield
        return
    try:
        folder = TemporaryDirectory(prefix="phone-price-metrics-")
    except OSError as error:
        log.warning("each worker tells its own metrics only, as there is no temporary folder: %s", error)
        yield
        return
    with folder as path:
        os.environ[FOLDER] = path
        yield


def shared_counter(name: str, what: str) -> Callable[[], None]:
    """Return what adds one to a counter of this process that the workers tell with theirs.

    A process that has imported prometheus-client before the folder was there shares nothing by itself. Where
    there is no folder, no process could read it, and nothing is counted.
    """
    if FOLDER not in os.environ:
        return lambda: None
    counter = MultiProcessValue()("counter", name, f"{name}_total", (), (), what)  # type: ignore[no-untyped-call]
    return partial(counter.inc, 1)


def exposition_of_all() -> bytes | None:
    """Return the metrics of all workers in Prometheus' text format; None where they are not shared."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return None
    for number in _numbers_of_workers(Path(folder)):
        if not Path(f"/proc/{number}").exists():
            # what it was doing is over; what it has done stays counted
            mark_process_dead(number, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _numbers_of_workers(folder: Path) -> set[int]:
    found = (re.fullmatch(r"gauge_live\w+_(\d+)\.db", path.name) for path in folder.iterdir())
    return {int(match[1]) for match in found if match}
