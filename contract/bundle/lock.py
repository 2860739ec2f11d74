"""Publishing: one process at a time changes the folder of the bundles.

The lock is the kernel's, on a file that stays, and so ends with its holder, however that ends. Only who holds
it uses the names of `beside`: what the next holder finds under them is a killed publisher's, and is removed.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from contract.bundle.durable import make_directory

LOCK = ".lock"

_held: ContextVar[frozenset[Path]] = ContextVar("held", default=frozenset())


def beside(path: Path) -> Path:
    """Return where `path` is made before it has its name, and taken apart after; it counts for nothing."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def publishing(artifacts: Path) -> Iterator[None]:
    """Wait until nobody else changes `artifacts`, made if need be; keep others waiting. Raises `OSError`.

    Within, whatever else publishes may be called: who has the lock gets it again.
    """
    folder = artifacts.resolve()
    if folder in _held.get():
        yield
        return
    make_directory(folder)
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        token = _held.set(_held.get() | {folder})
        try:
            _remove_leftovers(folder)
            yield
        finally:
            _held.reset(token)


def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(".*.part"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
