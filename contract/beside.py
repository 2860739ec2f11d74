"""Names for what is written beside a file, which then gets that file's name."""

import uuid
from pathlib import Path

MAX_NAME_BYTES = 255
"""What Linux and its file systems take."""

_MAX_ADDED_BYTES = len(".") + len("-") + 32 + len("-gone")


def name_beside(path: Path) -> Path:
    """Return a hidden, unique path in the same folder."""
    return path.with_name(f"{beginning_beside(path)}{uuid.uuid4().hex}")


def beginning_beside(path: Path) -> str:
    """Return how such names begin: with the file's own, as far as there is room for it."""
    name = path.name.encode(errors="surrogateescape")[: MAX_NAME_BYTES - _MAX_ADDED_BYTES]
    return f".{name.decode(errors='ignore')}-"
