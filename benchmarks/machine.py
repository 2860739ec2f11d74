"""Where and when figures were measured; without it they mean nothing."""

import os
import platform
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field

LIBRARIES = ("fastapi", "uvicorn", "uvloop", "httptools", "pydantic", "numpy", "onnxruntime", "torch")


class Machine(BaseModel):
    """The processor, what runs on it, and the day."""

    measured: date = Field(default_factory=date.today)
    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    libraries: dict[str, str]
    wrk: str

    @classmethod
    def this(cls) -> Self:
        """Look at the machine that this runs on."""
        return cls(
            processor=_processor(),
            cores=len(os.sched_getaffinity(0)),
            memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
            system=f"{platform.system()} {platform.release().partition('-')[0]}",
            python=platform.python_version(),
            libraries={name: version(name) for name in LIBRARIES},
            wrk=_wrk(),
        )

    def line(self) -> str:
        """Return all of it as a sentence."""
        libraries = ", ".join(f"{name} {number}" for name, number in self.libraries.items())
        return (
            f"{self.measured}, {self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB, "
            f"{self.system}; Python {self.python}, {libraries}; wrk {self.wrk}"
        )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _wrk() -> str:
    """The second word of its first line, as in 'wrk debian/4.1.0-3+b2 [epoll] ...'."""
    told = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    return told.split()[1]
