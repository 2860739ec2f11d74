"""python -m training: train a model on a table of phones; make a synthetic table to try it with.

Commands import what they run when they run it: torch, pandas and scikit-learn take seconds, and --help or a
misspelt recipe should not wait for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from contract.bundle import Metrics
from contract.errors import PhonePriceError
from contract.phone import PriceRange
from training.recipe import DEFAULT, Recipe

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.callback()
def training() -> None:
    """Train a model on a table of phones, or make a synthetic table to try it with."""


@contextmanager
def _failures_as_messages() -> Iterator[None]:
    """What the user can put right is told in words, with exit status 2."""
    try:
        yield
    except (PhonePriceError, OSError) as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"error: {error}")
        raise typer.Exit(2) from None


@app.command("train")
def train_command(
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the 20 specifications and price_range, columns by name. "
            "Default: $PHONE_PRICE_DATA, else data/phones.csv, else data/sample.csv."
        ),
    ] = None,
    recipe_name: Annotated[
        str, typer.Option("--recipe", help="A shipped recipe's name, or the path of one's own .toml.")
    ] = DEFAULT,
    out: Annotated[Path, typer.Option(help="Folder of the bundles.")] = Path("artifacts"),
) -> None:
    """Train, measure on the part held out, write the bundle and make it the served one."""
    with _failures_as_messages():
        recipe = Recipe.load(recipe_name)

        from training.dataset import default_path
        from training.pipeline import train
        from training.progress import watching

        table = data or default_path()
        console.print(f"recipe {recipe.name} on {table}", highlight=False, soft_wrap=True)
        with watching(console, recipe.epochs) as watch:
            trained = train(recipe, table, out, watch)
        _print_metrics(trained.metrics)
        console.print(f"{out / 'CURRENT'} now names {trained.version}", highlight=False, soft_wrap=True)


@app.command("sample")
def sample_command(
    rows: Annotated[int, typer.Option(min=40, max=10_000_000, help="Phones to make up.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same phones.")] = 0,
    out: Annotated[Path, typer.Option(help="CSV to write.")] = Path("data/sample.csv"),
) -> None:
    """Make the synthetic stand-in for the real data."""
    from training.made_up import make_sample

    beside = out.with_name(f".{out.name}")
    with _failures_as_messages():
        make_sample(rows, seed).to_csv(beside, index=False)
        beside.replace(out)
    console.print(f"{rows} made-up phones in {out}", highlight=False, soft_wrap=True)


def _print_metrics(metrics: Metrics) -> None:
    console.print(
        f"held out {metrics.rows} phones: accuracy {metrics.accuracy:.4f} "
        f"log-loss {metrics.log_loss:.4f} macro-F1 {metrics.macro_f1:.4f}",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("true \\ predicted", *(price_range.label for price_range in PriceRange))
    for price_range, counts in zip(PriceRange, metrics.confusion_matrix, strict=True):
        table.add_row(price_range.label, *map(str, counts))
    console.print(table)


if __name__ == "__main__":
    app(prog_name="python -m training")
