"""A virtual environment per peer: the dependencies of others and ours need not agree."""

import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.errors import BenchmarkError

PROJECT = Path(__file__).parents[1]
ENVIRONMENTS = Path(__file__).parent / ".environments"


def python_with(requirements: Path, environments: Path = ENVIRONMENTS) -> Path:
    """Return the Python of an environment that holds exactly `requirements`, built if there is none yet.

    It is built anew when the requirements or our own Python have changed. Raises `BenchmarkError`.
    """
    environment = environments / requirements.stem
    stamp = environment / "built-from"
    wanted = f"# Python {platform.python_version()}\n{requirements.read_text()}"
    if not stamp.is_file() or stamp.read_text() != wanted:
        _build(environment, requirements)
        stamp.write_text(wanted)
    return environment / "bin/python"


def _build(environment: Path, requirements: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "--python", str(environment)]
    command = [*pip, "install", "--requirement", str(requirements)]
    done = subprocess.run(command, cwd=PROJECT, check=False)  # noqa: S603 - our own list
    if done.returncode != 0:
        raise BenchmarkError(f"pip could not install {requirements.name}; its reason is above")
