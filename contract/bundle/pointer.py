"""CURRENT: one line that names the served version, replaced by rename. PREVIOUS names the one before."""

from pathlib import Path

from contract.bundle.durable import sync_directory, write_durably
from contract.bundle.lock import beside, publishing
from contract.bundle.version_names import check_exists, checked_version
from contract.errors import PointerError
from contract.plain_file import read_plain
from contract.saved_text import decode_saved

POINTER = "CURRENT"
PREVIOUS = "PREVIOUS"

MAX_BYTES = 1024
"""Of a pointer, of which one line is a version."""


def current_version(artifacts: Path) -> str:
    """Return the version that CURRENT names. Raises `PointerError`."""
    return _named_in(artifacts / POINTER)


def _named_in(pointer: Path) -> str:
    try:
        text = decode_saved(read_plain(pointer, MAX_BYTES))
    except FileNotFoundError:
        raise PointerError(f"{pointer} does not exist: train a model, or name the folder of one") from None
    except OSError as error:
        raise PointerError(f"{pointer} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PointerError(f"{pointer} cannot be read: {error}") from None
    try:
        return checked_version(text.removesuffix("\n").removesuffix("\r"))
    except ValueError as error:
        raise PointerError(f"{pointer} names no version: {error}") from None


def previous_version(artifacts: Path) -> str | None:
    """Return the version that CURRENT named before, if that is known."""
    try:
        return _named_in(artifacts / PREVIOUS)
    except PointerError:
        return None


def switch_current(artifacts: Path, version: str) -> None:
    """Make `version` the served one; a reader sees the old name or the new one, never a part.

    PREVIOUS gets the old name: who has just read it may still be loading that version. Raises `VersionError`.
    """
    with publishing(artifacts):
        check_exists(artifacts, version)
        before = _named_now(artifacts)
        if before and before != version:
            _point(artifacts / PREVIOUS, before)
        _point(artifacts / POINTER, version)


def _named_now(artifacts: Path) -> str | None:
    try:
        return current_version(artifacts)
    except PointerError:
        return None


def _point(pointer: Path, version: str) -> None:
    try:
        write_durably(beside(pointer), f"{version}\n".encode("ascii"))
        beside(pointer).replace(pointer)
    finally:
        beside(pointer).unlink(missing_ok=True)
    sync_directory(pointer.parent)
