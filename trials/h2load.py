"""Load by h2load (Debian's nghttp2-client): so many connections, as fast as they can or at a rate.

Python cannot ask as fast as the service answers. h2load does not look at the answers, and does not obey
Retry-After; a client that does both runs beside it.
"""

import os
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from numpy.typing import NDArray

from trials.bad_requests import phone
from trials.programs import needed


@dataclass(frozen=True)
class Load:
    """What h2load wrote of each request that was answered, in arrays of one length."""

    started: NDArray[np.float64]
    """Seconds since 1970."""
    status: NDArray[np.int64]
    seconds: NDArray[np.float64]
    """From the request to the end of the answer."""
    duration: float
    """Seconds for which it asked."""

    def per_second(self, status: int = 200) -> float:
        """Return the rate of answers of that status."""
        return self.count(status) / self.duration

    def count(self, *statuses: int) -> int:
        """Return how many answers had one of these statuses."""
        return int(np.isin(self.status, statuses).sum())

    def percentile(self, share: float, status: int = 200) -> float:
        """Return the seconds within which this share of the answers of that status came; NaN for none."""
        seconds = self.seconds[self.status == status]
        return float(np.quantile(seconds, share)) if seconds.size else float("nan")


def load(port: int, connections: int, seconds: float, rate: float | None = None, warm_up: float = 0) -> Load:
    """Ask for predictions for so many seconds, `rate` times a second or as fast as they are answered.

    What is asked in the seconds of `warm_up` before, when all connect at once, is not told.
    """
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        body.write_bytes(phone())
        paced = [] if rate is None else [f"--rps={rate / connections:.6f}"]
        command = [
            needed("h2load"),
            "--h1",
            f"-c{connections}",
            "-D",
            _duration(seconds),
            f"--log-file={log}",
            *paced,
        ]
        asked = ["-d", str(body), "-H", "content-type: application/json", f"http://127.0.0.1:{port}/predict"]
        process = psutil.Popen(
            [*command, f"--warm-up-time={_duration(warm_up)}", *asked], stdout=subprocess.DEVNULL
        )
        _pin(process, last_core=True)
        process.wait()
        told = pd.read_csv(log, sep="\t", header=None, usecols=[0, 1, 2], names=["start", "status", "taken"])
    return Load(
        told["start"].to_numpy(np.float64) / 1e6,
        told["status"].to_numpy(np.int64),
        told["taken"].to_numpy(np.float64) / 1e6,
        seconds,
    )


def _duration(seconds: float) -> str:
    return f"{round(1_000 * seconds)}ms"


def give_it_a_core(process: Any) -> None:
    """Keep a service of one process on the first core, as h2load stays on the last one."""
    _pin(process, last_core=False)


def _pin(process: Any, *, last_core: bool) -> None:
    process.cpu_affinity([max(os.sched_getaffinity(0)) if last_core else min(os.sched_getaffinity(0))])


def allow_many_connections() -> None:
    """Raise the limit of open files, which what is started from here has as well."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
