"""Tables in files: which kind by the name's ending, read in chunks, written beside and renamed."""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from contract.errors import TableFileError
from service.media_type import ARROW, ARROW_FILE, CSV, NDJSON, PARQUET

CHUNK_BYTES = 256 * 1024

STANDARD = Path("-")
"""Standard input or output."""

KINDS = {
    ".csv": CSV,
    ".ndjson": NDJSON,
    ".jsonl": NDJSON,
    ".arrows": ARROW,
    ".arrow": ARROW_FILE,
    ".feather": ARROW_FILE,
    ".parquet": PARQUET,
}


def kind_of(path: Path, otherwise: str) -> str:
    """Return the kind that the name's ending says; that of standard input and output is `otherwise`."""
    ending = f".{otherwise.removeprefix('.')}" if path == STANDARD else path.suffix.lower()
    if ending not in KINDS:
        raise TableFileError(
            f"{path}: which kind of table is {ending or 'that'}? Known are {', '.join(KINDS)}"
        )
    return KINDS[ending]


@contextmanager
def seekable(path: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a file that can be read at will, as Parquet must be; for standard input an empty one to fill."""
    if path != STANDARD:
        yield file
        return
    with TemporaryFile() as copy:
        yield copy


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input, to read. Raises `TableFileError` that says why it cannot."""
    if path == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise TableFileError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        yield file


@contextmanager
def written_beside(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name when all is written, and never has it if anything goes wrong."""
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise TableFileError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        beside.unlink(missing_ok=True)


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """Give the file's content."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def position(file: BinaryIO) -> int:
    """Return how many bytes are read, 0 where that cannot be known."""
    return file.tell() if file.seekable() else 0
