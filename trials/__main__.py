"""python -m trials: run trials, and tell what they came to."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from trials.programs import MissingProgramError
from trials.record import RESULTS, Record, read, table
from trials.trial import KINDS, Trial, trials_by_id

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True, highlight=False)

UNABLE = 3
"""Exit status where a program is missing."""


@app.callback()
def trials() -> None:
    """Faults, bad input and load: bring them about, and measure what the service makes of them."""


@app.command()
def run(
    names: Annotated[
        list[str], typer.Argument(metavar="ID|KIND...", help=f"As K1, or a kind: {', '.join(KINDS)}.")
    ],
    long: Annotated[bool, typer.Option("--long", help="At full length, as the pass lines ask.")] = False,
    results: Annotated[Path | None, typer.Option(help="Folder to keep the figures in.")] = None,
) -> None:
    """Run trials and print their figures as JSON, a line each.

    Exits with 1 if one does not pass, with 3 at the first one that needs what is not installed.
    """
    passed = True
    for trial in _chosen(names):
        console.print(f"{trial.id}: {trial.what} ...")
        start = perf_counter()
        try:
            outcome = trial.run(long)
        except MissingProgramError as error:
            console.print(f"{trial.id} cannot be tried: {error}", markup=False, soft_wrap=True)
            raise typer.Exit(UNABLE) from None
        record = Record.of(trial, long, perf_counter() - start, outcome)
        typer.echo(record.model_dump_json())
        if results:
            record.write(results)
        for reason in outcome.because():
            console.print(f"{trial.id} does not pass: {reason}", markup=False)
        passed &= outcome.passed
    raise typer.Exit(0 if passed else 1)


@app.command("table")
def show(results: Annotated[Path, typer.Option(help="Folder of the figures.")] = RESULTS) -> None:
    """Print what is known of every trial as a Markdown table."""
    all_trials = trials_by_id().values()
    typer.echo(table(all_trials, read(all_trials, results)), nl=False)


def _chosen(names: list[str]) -> list[Trial]:
    all_trials = trials_by_id()
    unknown = [name for name in names if name.upper() not in all_trials and name not in KINDS]
    if unknown:
        raise typer.BadParameter(f"no trial or kind {', '.join(unknown)}; there are {', '.join(all_trials)}")
    wanted = {name.upper() for name in names}
    return [trial for trial in all_trials.values() if trial.id in wanted or trial.kind in names]


if __name__ == "__main__":
    app(prog_name="python -m trials")
