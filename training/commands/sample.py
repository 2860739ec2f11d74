"""sample: a synthetic table to try things with."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.terminal import console, failures_as_messages, write_whole


def sample(
    rows: Annotated[int, typer.Option(min=40, max=10_000_000, help="Phones to make up.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same phones.")] = 0,
    out: Annotated[Path, typer.Option(help="CSV to write.")] = Path("data/sample.csv"),
) -> None:
    """Make the synthetic stand-in for the real data."""
    from training.made_up import make_sample

    with failures_as_messages("nothing was written"):
        write_whole(out, make_sample(rows, seed).to_csv(index=False).encode())
        console.print(f"{rows} made-up phones in {out}")
