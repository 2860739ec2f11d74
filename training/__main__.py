"""python -m training: make models, measure them, choose which one is served."""

import signal

import typer

if (
    __name__ == "__main__"
):  # Ctrl-C while the libraries are imported, which takes seconds, ends in no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from training.commands.compare import compare
from training.commands.cross_validate import cross_validate
from training.commands.evaluate import evaluate
from training.commands.prune import prune
from training.commands.recipes import recipes, summary
from training.commands.sample import sample
from training.commands.sign import sign
from training.commands.train import train
from training.commands.tune import tune
from training.commands.versions import activate, versions

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for command in (
    train,
    recipes,
    summary,
    compare,
    cross_validate,
    tune,
    evaluate,
    versions,
    activate,
    sign,
    prune,
    sample,
):
    app.command()(command)


@app.callback()
def training() -> None:
    """Make models of phone prices, measure them, and choose which one is served."""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="python -m training")
