"""Tables in files: which kind by the name's ending, read in chunks, written beside and renamed."""

import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from contract.bundle.durable import sync_directory
from contract.errors import InvalidTableError, TableFileError
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
    if ending in KINDS:
        return KINDS[ending]
    if os.path.isdir(path):  # noqa: PTH112 - it never raises
        raise TableFileError(f"{path} is a folder, which only --engine ray takes: name one table")
    named = "" if path == STANDARD else f"{path}: "
    raise TableFileError(f"{named}which kind of table is {ending or 'that'}? Known are {', '.join(KINDS)}")


def ending_of(path: Path) -> str | None:
    """Return the name's ending, if it is that of a table."""
    return path.suffix if path.suffix.lower() in KINDS else None


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
        if sys.stdin is None:
            raise TableFileError("standard input is closed")
        yield sys.stdin.buffer
        return
    with _named_failure(path, "read"):
        file = path.open("rb")
    with file:
        yield file


def tables_in(source: Path) -> list[Path]:
    """Return the tables of a folder by name, or the one table that it is.

    Names that begin with . or _ are no tables, as in folders that Spark writes. Raises `TableFileError`
    where there is none, or what may be more of them in a folder within.
    """
    with _named_failure(source, "read"):
        if not source.is_dir():
            with opened(source):
                return [source]
        found = sorted(path for path in source.iterdir() if not path.name.startswith((".", "_")))
    for path in found:
        if path.is_dir():
            raise TableFileError(f"{path} is a folder within a folder: score each folder by itself")
    if not found:
        raise TableFileError(f"{source} has no tables in it")
    return found


def cannot_be_scored(path: Path, error: InvalidTableError) -> TableFileError:
    """Return the error that names the file of the table, too; it has a line for each broken rule."""
    found = "".join(f"\n  {violation.msg}" for violation in error.violations)
    return TableFileError(f"{path} cannot be scored:{found}")


@contextmanager
def written_beside(path: Path, told: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that gets its name when all is written, and never has it if anything goes wrong.

    `told` is the path that an error names, if it is another.
    """
    if path == STANDARD:
        if sys.stdout is None:
            raise TableFileError("standard output is closed")
        with _named_failure("standard output", "written"):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        with _named_failure(told or path, "written"):
            with beside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder that gets its name when all is in it, and leaves nothing behind if anything goes wrong.

    Raises `TableFileError` where there is something else than an empty folder.
    """
    beside = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    with _named_failure(path, "written"):
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise TableFileError(f"{path} is there already: name a folder that is not, or that is empty")
        beside.mkdir()
        try:
            yield beside
            sync_directory(beside)
            beside.rename(path)
            sync_directory(path.parent)
        finally:
            _remove(beside)


@contextmanager
def _named_failure(path: Path | str, done: str) -> Iterator[None]:
    """Give an operating system's error a name: that the path cannot be read, or written."""
    try:
        yield
    except BrokenPipeError:  # of standard output: whoever reads it has read enough
        raise
    except OSError as error:
        raise TableFileError(f"{path} cannot be {done}: {error.strerror}") from None


def _remove(folder: Path) -> None:
    """Remove a folder in which others may still write: under another name they no longer find it."""
    gone = folder.with_name(f"{folder.name}-gone")
    with suppress(FileNotFoundError):
        folder.rename(gone)
        shutil.rmtree(gone)


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """Give the file's content. Raises `TableFileError` if it cannot be read."""
    while chunk := _read(file, CHUNK_BYTES):
        yield chunk


def chunks_between(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Give the file's content from one byte to another. Raises `TableFileError` if it ends before."""
    file.seek(start)
    while start < end:
        chunk = _read(file, min(CHUNK_BYTES, end - start))
        if not chunk:
            raise TableFileError(f"{file.name} became shorter while it was read")
        start += len(chunk)
        yield chunk


def _read(file: BinaryIO, size: int) -> bytes:
    with _named_failure(file.name, "read"):
        return file.read(size)


def position(file: BinaryIO) -> int:
    """Return how many bytes are read, 0 where that cannot be known."""
    return file.tell() if file.seekable() else 0
