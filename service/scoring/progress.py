"""How far the scoring of a file is, on a terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service.media_type import PARQUET
from service.scoring.one_process import Watch
from service.scoring.table_file import KINDS


@contextmanager
def shown(source: Path) -> Iterator[Watch]:
    """Yield what is to be told how far it is; a bar stands on standard error, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    by_rows = KINDS.get(source.suffix.lower()) == PARQUET and os.path.isfile(source)  # noqa: PTH113 - never raises
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=_rows(source) if by_rows else _bytes(source))

        def watch(rows: int, position: int) -> None:
            progress.update(task, description=f"{rows:,} rows", completed=rows if by_rows else position)

        yield watch


def _bytes(source: Path) -> int | None:
    try:
        files = list(source.iterdir()) if source.is_dir() else [source]
        return sum(file.stat().st_size for file in files if file.is_file()) or None
    except OSError:  # which whoever reads it will say
        return None


def _rows(source: Path) -> int | None:
    """Return the rows that a Parquet file says it has; what is wrong with it, its reader will say."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        rows: int = parquet.read_metadata(source).num_rows
    except (pa.ArrowException, OSError):
        return None
    return rows
