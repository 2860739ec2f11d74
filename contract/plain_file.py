"""Reading plain files only: a FIFO would keep its reader waiting, and a device may never end."""

import errno
import os
import stat
from pathlib import Path


def read_plain(path: Path, most: int = -1) -> bytes:
    """Return the content, or its first `most` bytes. Raises `OSError`, also for what is no plain file."""
    _check_plain(path, path.stat())
    # between the two looks it may have become another, which must not be waited for either
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        _check_plain(path, os.fstat(file.fileno()))
        return file.read(most)


def _check_plain(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a FIFO, a socket or a device; give a plain file", str(path))
