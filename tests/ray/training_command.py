"""python -m training on a cluster, as a user runs it: a process, its output, its exit status."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import TINY_RECIPE
from tests.running_service import PROJECT

SPACE = '[ranges]\n"optimizer.learning_rate" = { low = 0.001, high = 0.1, log = true }'

SECONDS = 240.0
"""In which a command ends, on two cores that others use, too."""


def write_recipe(folder: Path, epochs: int = 3) -> Path:
    """Write a recipe that is fitted in no time, or in as many epochs as it is to last."""
    path = folder / "tiny.toml"
    path.write_text(TINY_RECIPE.replace("epochs = 3", f"epochs = {epochs}"))
    return path


def started(*arguments: object, temporary: Path) -> subprocess.Popen[str]:
    """Start it, with `temporary` as the folder for whatever it does not keep."""
    return subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*arguments: object, temporary: Path) -> tuple[int, str, str]:
    """Run it to its end; return exit status, output, errors."""
    with _kept(started(*arguments, temporary=temporary)) as process:
        return _ended(process, "")


def broken_off(
    *arguments: object, once: str, by: Callable[[subprocess.Popen[str]], None], temporary: Path
) -> tuple[int, str, str]:
    """Run it, and let something happen when `once` has been printed; return exit status, output, errors."""
    with _kept(started(*arguments, temporary=temporary)) as process:
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if once in line:
                by(process)
                break
        return _ended(process, shown)


def ctrl_c(process: subprocess.Popen[str]) -> None:
    """Do as a terminal does: interrupt every process of the group."""
    os.killpg(process.pid, signal.SIGINT)


@contextmanager
def _kept(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Leave no process behind, whatever a test makes of it."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def _ended(process: subprocess.Popen[str], shown: str) -> tuple[int, str, str]:
    rest, errors = process.communicate(timeout=SECONDS)
    return process.returncode, shown + rest, errors
