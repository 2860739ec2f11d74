"""What is served from a folder: which version, if any, and what a publisher has left beside."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from contract.bundle import versions
from contract.errors import BundleError, EngineError
from service.predictor import load_predictor
from service.settings import Settings
from trials import publisher
from trials.service import ARTIFACTS


@contextmanager
def copied_artifacts() -> Iterator[Path]:
    """A folder of its own with the committed version in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(ARTIFACTS, Path(folder, "artifacts")))


def served_version(artifacts: Path) -> str | None:
    """Return the version that a service would start with now; None where it would refuse to."""
    try:
        return load_predictor(Settings(artifacts=artifacts)).version
    except (BundleError, EngineError):
        return None


def leftovers(artifacts: Path) -> list[str]:
    """Return the names of what only a publisher at work has there."""
    return [path.name for path in artifacts.glob(".*.part")]


def next_run_repairs(artifacts: Path) -> bool:
    """Publish once more; whether that version is served and nothing is left beside."""
    with suppress(typer.Exit):
        publisher.main(artifacts)
    return served_version(artifacts) == versions(artifacts)[-1] and not leftovers(artifacts)
