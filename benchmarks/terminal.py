"""What the benchmarks' commands share: options, failures in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from benchmarks.errors import BenchmarkError

PeersOption: TypeAlias = Annotated[
    str, typer.Option("--peers", help="Whom to measure beside ours, by commas.")
]
RoundsOption: TypeAlias = Annotated[int, typer.Option("--rounds", min=1, help="Turns of each.")]
SecondsOption: TypeAlias = Annotated[int, typer.Option("--seconds", min=1, help="Load in each turn.")]
WarmUpOption: TypeAlias = Annotated[
    int, typer.Option("--warm-up", min=0, help="Seconds of load before each that is measured.")
]
JsonOption: TypeAlias = Annotated[
    Path | None, typer.Option("--json", help="File to write the figures to.", dir_okay=False)
]
MarkdownOption: TypeAlias = Annotated[
    Path | None, typer.Option("--markdown", help="File for the tables.", dir_okay=False)
]
ChartOption: TypeAlias = Annotated[
    Path | None, typer.Option("--chart", help="PNG file for the picture.", dir_okay=False)
]


@contextmanager
def failures_as_messages(console: Console) -> Iterator[None]:
    """What keeps a benchmark from measuring is told in words, with exit status 1."""
    try:
        yield
    except BenchmarkError as error:
        console.print(f"error: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
