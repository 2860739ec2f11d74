"""The last step of training: a new version is written, and served from then on."""

from collections.abc import Callable
from pathlib import Path

from contract.bundle.lock import publishing
from contract.bundle.manifest import Manifest
from contract.bundle.pointer import switch_current
from contract.bundle.reader import Bundle
from contract.bundle.signature import SigningKey
from contract.bundle.writer import BundleFiles, write_bundle


def publish(
    artifacts: Path,
    manifest: Manifest,
    files: BundleFiles,
    prove: Callable[[Bundle], None],
    key: SigningKey | None = None,
) -> str:
    """Write a bundle as `write_bundle` does, name it in CURRENT, and return its version."""
    with publishing(artifacts):  # else another run could remove the version before it is the served one
        version = write_bundle(artifacts, manifest, files, prove, key)
        switch_current(artifacts, version)
    return version
