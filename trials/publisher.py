"""python -m trials.publisher ARTIFACTS: what training does last, in a process of its own that can be killed.

It publishes the committed version anew, under its name with a number. The other two ways are controls.
"""

from enum import StrEnum
from pathlib import Path
from unittest.mock import patch

import typer

from contract.bundle import Bundle, BundleFiles, Manifest, check_golden_rows, publish, read_current
from service.engine import load_engine
from training.commands.terminal import failures_as_messages
from trials.service import ARTIFACTS


class Way(StrEnum):
    """How to publish."""

    AS_TRAINING = "as-training"
    CARELESS = "careless"
    """Names first, content after, and nothing waits for the disk."""
    UNLOCKED = "unlocked"
    """Nobody waits for another publisher."""


def main(artifacts: Path, way: Way = Way.AS_TRAINING) -> None:
    """Publish once."""
    with failures_as_messages():
        bundle = read_current(ARTIFACTS)
        directory = ARTIFACTS / bundle.manifest.version
        files = {name: (directory / name).read_bytes() for name in bundle.manifest.files}
        if way is Way.CARELESS:
            _publish_carelessly(artifacts, bundle.manifest, files)
        elif way is Way.UNLOCKED:
            with patch("fcntl.flock"):
                publish(artifacts, bundle.manifest, files, _prove)
        else:
            publish(artifacts, bundle.manifest, files, _prove)


def _prove(bundle: Bundle) -> None:
    check_golden_rows(bundle.manifest.golden_rows, load_engine("onnx", bundle).predict)


def _publish_carelessly(artifacts: Path, manifest: Manifest, files: BundleFiles) -> None:
    version = f"{manifest.version}-careless"
    (artifacts / "CURRENT").write_text(f"{version}\n")
    (artifacts / version / "report").mkdir(parents=True)
    told = manifest.model_copy(update={"version": version}).model_dump_json().encode()
    for name, content in {**files, "manifest.json": told}.items():
        (artifacts / version / name).write_bytes(content)


if __name__ == "__main__":
    typer.run(main)
