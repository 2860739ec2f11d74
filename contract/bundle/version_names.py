"""The names of versions: what can be one, and which there are."""

import re
from pathlib import Path

from contract.errors import VersionError

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


def is_version(name: str) -> bool:
    """Whether `name` can be that of a bundle's folder; the folders beside, with a dot, cannot."""
    return _VERSION.fullmatch(name) is not None


def versions(artifacts: Path) -> list[str]:
    """Return the names of all versions, whole or not: in order of time, as training names them."""
    if not artifacts.is_dir():
        return []
    return sorted(path.name for path in artifacts.iterdir() if path.is_dir() and is_version(path.name))


def check_exists(artifacts: Path, version: str) -> None:
    """Raise `VersionError` unless there is a version of that name, whole or not."""
    if not (is_version(version) and (artifacts / version).is_dir()):
        there = versions(artifacts)
        raise VersionError(f"{artifacts} has no version {version!r}; it has {', '.join(there) or 'none'}")


def checked_version(version: str) -> str:
    """Return `version` if it can name a bundle's folder; raise `ValueError` if not."""
    if not is_version(version):
        raise ValueError("a version is 1 to 128 letters, digits, dots, underscores and hyphens")
    return version
