"""What the commands share: the terminal, options, failures in words, figures in a file."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from pydantic import BaseModel
from pydantic_core import to_json
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contract.beside import name_beside
from contract.errors import DataError, PhonePriceError

NOT_ALL_DONE = 1
WRONG_USE = 2
INTERRUPTED = 130

console = Console(highlight=False, soft_wrap=True)

DataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="CSV with the 20 specifications and price_range, columns by name. "
        "Default: $PHONE_PRICE_DATA, else data/phones.csv, else data/sample.csv.",
    ),
]
RecipeOption: TypeAlias = Annotated[
    str, typer.Option("--recipe", help="A shipped recipe's name, or the path of one's own .toml.")
]
ArtifactsOption: TypeAlias = Annotated[Path, typer.Option("--artifacts", help="Folder of the bundles.")]
JsonOption: TypeAlias = Annotated[
    Path | None, typer.Option("--json", help="File to write the figures to.", dir_okay=False)
]
SeedOption: TypeAlias = Annotated[
    int, typer.Option("--seed", min=0, max=2**32 - 1, help="Of the folds; the recipe has its own.")
]

ARTIFACTS = Path("artifacts")


@contextmanager
def failures_as_messages(interrupted: str = "what was served stays served") -> Iterator[None]:
    """What the user can put right is told in words, with exit status 2; an interruption, with 130."""
    try:
        yield
    except (PhonePriceError, OSError) as error:
        _tell(f"error: {error}")
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        _tell(f"interrupted; {interrupted}")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def failures_after_publication(version: str) -> Iterator[None]:
    """What fails once a version is served is told with that fact, and with an exit status of its own."""
    try:
        yield
    except (PhonePriceError, OSError) as error:
        _tell(f"error: {error}\n{version} is served all the same; do not train again for this")
        raise typer.Exit(NOT_ALL_DONE) from None
    except KeyboardInterrupt:
        _tell(f"interrupted; {version} is served all the same")
        raise typer.Exit(INTERRUPTED) from None


def table(*headings: str) -> Table:
    """Return an empty table; only what stands in its last column is broken into lines."""
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        made.add_column(heading, no_wrap=heading != headings[-1])
    return made


def check_writable(*paths: Path | None) -> None:
    """Try each output before the work begins, leaving nothing behind. Raises `DataError`."""
    for path in filter(None, paths):
        if found := _hindrance(path):
            raise DataError(f"{path} cannot be written: {found}; name another path")


def _hindrance(path: Path) -> str | None:
    """Say what keeps a file from being written, if anything does."""
    try:
        if path.exists() and not path.is_file():
            return f"it is {'a folder' if path.is_dir() else 'a device or a pipe, which no file may replace'}"
        folder = next(parent for parent in path.absolute().parents if parent.exists())
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        return error.strerror
    if not folder.is_dir():
        return f"{folder} is a file, not a folder"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"no file can be made in {folder} ({error.strerror})"


def write_figures(path: Path | None, figures: BaseModel | Sequence[BaseModel]) -> None:
    """Write figures as JSON, whole or not at all, if there is a file to write them to."""
    if path is not None:
        write_whole(path, to_json(figures, indent=2) + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, then rename: an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = name_beside(path)
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _tell(message: str) -> None:
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(message)
