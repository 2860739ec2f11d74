"""Tables in files: which kind by the name's ending, read in chunks, written beside and renamed."""

import fcntl
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from contract.beside import beginning_beside, name_beside
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


def named(path: Path | str) -> str:
    """Return the path as words: quoted where it has what a terminal would obey instead of show."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def kind_of(path: Path, otherwise: str) -> str:
    """Return the kind that the name's ending says; that of standard input and output is `otherwise`."""
    ending = f".{otherwise.removeprefix('.')}" if path == STANDARD else path.suffix.lower()
    if ending in KINDS:
        return KINDS[ending]
    if os.path.isdir(path):  # noqa: PTH112 - it never raises
        raise TableFileError(f"{named(path)} is a folder, which only --engine ray takes: name one table")
    which = "" if path == STANDARD else f"{named(path)}: "
    raise TableFileError(
        f"{which}which kind of table is {named(ending) or 'that'}? Known are {', '.join(KINDS)}"
    )


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
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for who writes to it
            raise TableFileError(f"{named(path)} is no plain file: name one, or pipe the table to -")
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
            raise TableFileError(f"{named(path)} is a folder within a folder: score each folder by itself")
    if not found:
        raise TableFileError(f"{named(source)} has no tables in it")
    return found


def cannot_be_scored(path: Path, error: InvalidTableError) -> TableFileError:
    """Return the error that names the file of the table, too; it has a line for each broken rule."""
    found = "".join(f"\n  {violation.msg}" for violation in error.violations)
    return TableFileError(f"{named(path)} cannot be scored:{found}")


def check_apart(source: Path, target: Path) -> None:
    """Raise `TableFileError` where the answers would replace the table that they are about."""
    same = False
    with suppress(OSError):  # one of them is not there, or whoever opens it says what is wrong
        same = STANDARD not in (source, target) and source.samefile(target)
    if same:
        raise TableFileError(f"{named(target)} is the table that is read: name another for the answers")


@contextmanager
def written_beside(path: Path, told: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file that gets its name when all is written, and never has it if anything goes wrong.

    What it replaces keeps its mode; a link is followed. `told` is the path that an error names, if it is
    another: that of a folder in which other machines write, too.
    """
    if path == STANDARD:
        if sys.stdout is None:
            raise TableFileError("standard output is closed")
        with _named_failure("standard output", "written"):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    with _named_failure(told or path, "written"):
        place = Path(os.path.realpath(path))
        mode = _mode_of(place)
        if told is None:
            _remove_leftovers(place)
        file, beside = _begun_beside(place)
        try:
            with file:
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                yield file
                file.flush()
                os.fsync(file.fileno())
                beside.replace(place)  # while it is locked: nobody takes it for a leftover
        finally:
            beside.unlink(missing_ok=True)


def _mode_of(place: Path) -> int | None:
    """Return the mode of the file there, None without one. Raises `TableFileError` if it is no plain file."""
    try:
        found = place.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found):
        raise TableFileError(f"{named(place)} is no plain file: name one, or - for standard output")
    return stat.S_IMODE(found)


def _begun_beside(place: Path) -> tuple[BinaryIO, Path]:
    """Create a hidden file beside, locked as long as it is open."""
    while True:
        beside = name_beside(place)
        file = beside.open("xb")
        with suppress(OSError):  # a file system without locks: no other run can lock it, either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, beside
        file.close()  # another run took it for a leftover before it was locked


def _remove_leftovers(place: Path) -> None:
    """Remove what killed runs have left beside: a file that nobody holds the lock of."""
    pattern = re.compile(re.escape(beginning_beside(place)) + "[0-9a-f]{32}")
    for left in [each for each in place.parent.iterdir() if pattern.fullmatch(each.name)]:
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder that gets its name when all is in it, and leaves nothing behind if anything goes wrong.

    Raises `TableFileError` where there is something else than an empty folder.
    """
    beside = name_beside(path)
    with _named_failure(path, "written"):
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise TableFileError(
                f"{named(path)} is there already: name a folder that is not, or that is empty"
            )
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
        raise TableFileError(f"{named(path)} cannot be {done}: {error.strerror}") from None


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
            raise TableFileError(f"{named(file.name)} became shorter while it was read")
        start += len(chunk)
        yield chunk


def _read(file: BinaryIO, size: int) -> bytes:
    with _named_failure(file.name, "read"):
        return file.read(size)


def position(file: BinaryIO) -> int:
    """Return how many bytes are read, 0 where that cannot be known."""
    return file.tell() if file.seekable() else 0
