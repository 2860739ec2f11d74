"""Keeping old versions, and removing them: never one that is served, or may be in a moment."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from contract.bundle.digest import MANIFEST
from contract.bundle.durable import sync_directory
from contract.bundle.lock import beside, publishing
from contract.bundle.pointer import current_version, previous_version
from contract.bundle.version_names import versions


class Removal(NamedTuple):
    """What became of the versions that were not among the newest."""

    removed: list[str]
    held: list[str]
    """Left where they are, as a service that runs needs them."""


def remove_old_versions(artifacts: Path, keep: int) -> Removal:
    """Keep the `keep` newest versions, what CURRENT and PREVIOUS name and what is held; remove the others.

    Raises `PointerError` where CURRENT names none, and `OSError`. A version leaves under its name at once or
    not at all.
    """
    removal = Removal([], [])
    current_version(artifacts)  # where there is none, nothing is made either
    with publishing(artifacts):
        named = {current_version(artifacts), previous_version(artifacts)}
        for version in versions(artifacts)[:-keep]:
            if version not in named:
                left = removal.removed if _remove(artifacts, version) else removal.held
                left.append(version)
    return removal


def _remove(artifacts: Path, version: str) -> bool:
    """Remove a version unless it is held; one without a manifest cannot be."""
    path = artifacts / version
    try:
        # for writing: a network file system gives an exclusive lock on no other terms
        descriptor = os.open(path / MANIFEST, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        _take_away(path)
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _take_away(path)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _take_away(path: Path) -> None:
    path.rename(beside(path))
    sync_directory(path.parent)
    shutil.rmtree(beside(path))
