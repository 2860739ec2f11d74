"""Holding a version: while anybody does, in whatever process, it is not removed.

A hold is a shared lock of the kernel's on the manifest; who removes the version needs it for himself alone.
"""

import fcntl
import os
import weakref
from pathlib import Path

from contract.bundle.digest import MANIFEST
from contract.errors import VersionError


class Hold:
    """Keeps a version from being removed, by any process, until `release` or the end of who has it."""

    def __init__(self, manifest: Path) -> None:
        descriptor = os.open(manifest, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        self.release = weakref.finalize(self, os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def hold_version(artifacts: Path, version: str) -> Hold | None:
    """Keep a version from being removed; hold it before it is read. Raises `VersionError` if it is too late.

    None where nothing can be held: the reader tells what is wrong with a version, and where the file system
    has no locks, nobody removes one.
    """
    try:
        return Hold(artifacts / version / MANIFEST)
    except BlockingIOError:
        raise VersionError(f"{artifacts / version} is being removed") from None
    except OSError:
        return None
